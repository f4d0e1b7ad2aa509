#ifndef CSTEADYWAITS_H
#define CSTEADYWAITS_H

/// Does nothing: a program that calls it has this module, whose cnd_timedwait then serves its
/// libraries in the place of the C library's.
void steady_waits_take_part(void);

#endif

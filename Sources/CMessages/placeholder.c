#include "CMessages.h"
typedef int placeholder_CMessages;

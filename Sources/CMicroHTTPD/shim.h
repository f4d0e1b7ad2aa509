#pragma once
#include <microhttpd.h>

// Swift cannot call variadic functions, and the library takes its options that way.

/// A server on a socket that already listens, which is the server's from then on, with one thread
/// for all connections; NULL where the system does not give what it needs.
///
/// connections_per_address and idle_seconds: 0 for no limit.
static inline struct MHD_Daemon *sluice_http_start(
    int listener, unsigned int connections, unsigned int connections_per_address,
    unsigned int idle_seconds, size_t connection_bytes, MHD_AccessHandlerCallback answer,
    void *context) {
  return MHD_start_daemon(
      MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ITC, 0, NULL, NULL, answer, context,
      MHD_OPTION_LISTEN_SOCKET, listener, MHD_OPTION_CONNECTION_LIMIT, connections,
      MHD_OPTION_PER_IP_CONNECTION_LIMIT, connections_per_address, MHD_OPTION_CONNECTION_TIMEOUT,
      idle_seconds, MHD_OPTION_CONNECTION_MEMORY_LIMIT, connection_bytes, MHD_OPTION_END);
}

#pragma once
#include <curl/curl.h>
#include <sys/socket.h>

// Swift cannot call variadic functions: here is one function for each type of a value.

static inline CURLcode sluice_curl_set_number(CURL *easy, CURLoption option, long value) {
  return curl_easy_setopt(easy, option, value);
}

static inline CURLcode sluice_curl_set_size(CURL *easy, CURLoption option, curl_off_t value) {
  return curl_easy_setopt(easy, option, value);
}

/// libcurl copies the text.
static inline CURLcode sluice_curl_set_text(CURL *easy, CURLoption option, const char *value) {
  return curl_easy_setopt(easy, option, value);
}

static inline CURLcode sluice_curl_set_pointer(CURL *easy, CURLoption option, const void *value) {
  return curl_easy_setopt(easy, option, value);
}

static inline CURLcode sluice_curl_set_writer(CURL *easy, curl_write_callback write) {
  return curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, write);
}

static inline curl_socket_t sluice_curl_open(
    void *context, curlsocktype purpose, struct curl_sockaddr *address) {
  (void)context;
  (void)purpose;
  return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/// Keeps connections, and with them what they may do at a server, from child processes.
static inline CURLcode sluice_curl_close_on_exec(CURL *easy) {
  return curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, sluice_curl_open);
}

static inline CURLcode sluice_curl_status(CURL *easy, long *status) {
  return curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, status);
}

/// What the system said when there was no connection; 0 for nothing.
static inline CURLcode sluice_curl_system_error(CURL *easy, long *number) {
  return curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, number);
}

static inline CURLMcode sluice_curl_multi_set_number(CURLM *multi, CURLMoption option, long value) {
  return curl_multi_setopt(multi, option, value);
}

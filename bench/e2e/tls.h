// TLS from the machine's libssl, which is loaded on demand, so neither its headers nor the library are needed to
// compile.

#include <dlfcn.h>
#include <stddef.h>
#include <stdint.h>

// From openssl/ssl.h, unchanged since 1.1.1.
#define SSL_CTRL_MODE 33
#define SSL_CTRL_SET_READ_AHEAD 41
#define SSL_MODE_ENABLE_PARTIAL_WRITE 1
#define SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER 2
#define SSL_ERROR_WANT_READ 2
#define SSL_ERROR_WANT_WRITE 3

static struct {
  const void *(*TLS_client_method)(void);
  void *(*SSL_CTX_new)(const void *method);
  long (*SSL_CTX_ctrl)(void *context, int command, long value, void *pointer);
  int (*SSL_CTX_set_ciphersuites)(void *context, const char *suites);
  void (*SSL_CTX_set_default_read_buffer_len)(void *context, size_t length);
  void *(*SSL_new)(void *context);
  int (*SSL_set_fd)(void *ssl, int fd);
  int (*SSL_connect)(void *ssl);
  int (*SSL_read)(void *ssl, void *buffer, int length);
  int (*SSL_write)(void *ssl, const void *buffer, int length);
  int (*SSL_get_error)(const void *ssl, int result);
} tls;

// A context for clients that accepts any certificate, or NULL without libssl. It allows one cipher suite for all
// servers, whatever they would choose: AES-128, which browsers list first.
static void *tls_context(size_t read_buffer) {
  void *library = dlopen("libssl.so.3", RTLD_NOW);
  if (!library) library = dlopen("libssl.so.1.1", RTLD_NOW);
  if (!library) return NULL;
#define FIND(name)                                      \
  *(void **)&tls.name = dlsym(library, #name);          \
  if (!tls.name) return NULL
  FIND(TLS_client_method);
  FIND(SSL_CTX_new);
  FIND(SSL_CTX_ctrl);
  FIND(SSL_CTX_set_ciphersuites);
  FIND(SSL_CTX_set_default_read_buffer_len);
  FIND(SSL_new);
  FIND(SSL_set_fd);
  FIND(SSL_connect);
  FIND(SSL_read);
  FIND(SSL_write);
  FIND(SSL_get_error);
#undef FIND
  void *context = tls.SSL_CTX_new(tls.TLS_client_method());
  if (!context || tls.SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256") != 1) return NULL;
  tls.SSL_CTX_ctrl(context, SSL_CTRL_MODE, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER, NULL);
  tls.SSL_CTX_ctrl(context, SSL_CTRL_SET_READ_AHEAD, 1, NULL);
  tls.SSL_CTX_set_default_read_buffer_len(context, read_buffer);
  return context;
}

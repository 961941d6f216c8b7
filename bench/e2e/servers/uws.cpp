// The server of uWebSockets (C++): ./uws [--tls KEY CERTIFICATE] [--compressed shared|dedicated]. server.js builds it
// from the clone in UWS_DIR.

#include <cstdlib>
#include <cstring>
#include <iostream>
#include <string_view>
#include <utility>

#include "App.h"

struct PerSocketData {};

static uWS::CompressOptions compression = uWS::DISABLED;

static uWS::CompressOptions compressionNamed(const char *name) {
  int options = std::strcmp(name, "dedicated") ? uWS::SHARED_COMPRESSOR | uWS::SHARED_DECOMPRESSOR
                                               : uWS::DEDICATED_COMPRESSOR | uWS::DEDICATED_DECOMPRESSOR;
  return (uWS::CompressOptions)options;
}

template <bool SSL>
static void serve(uWS::TemplatedApp<SSL> app) {
  typename uWS::TemplatedApp<SSL>::template WebSocketBehavior<PerSocketData> behavior;
  behavior.compression = compression;
  behavior.maxPayloadLength = 16 * 1024 * 1024;
  behavior.idleTimeout = 960;
  // Echoes must not be dropped, however much is in flight.
  behavior.maxBackpressure = 256 * 1024 * 1024;
  behavior.message = [](auto *ws, std::string_view message, uWS::OpCode opCode) {
    ws->send(message, opCode, compression != uWS::DISABLED);
  };
  app.template ws<PerSocketData>("/*", std::move(behavior));
  app.listen("127.0.0.1", 0, [](us_listen_socket_t *listening) {
    if (!listening) std::exit(1);
    std::cout << us_socket_local_port(SSL, (us_socket_t *)listening) << std::endl;
  });
  app.run();
}

int main(int count, char **arguments) {
  for (int i = 1; i + 1 < count; i++) {
    if (!std::strcmp(arguments[i], "--compressed")) compression = compressionNamed(arguments[i + 1]);
  }
  if (count < 4 || std::strcmp(arguments[1], "--tls")) {
    serve<false>(uWS::App());
  } else {
    uWS::SocketContextOptions options;
    options.key_file_name = arguments[2];
    options.cert_file_name = arguments[3];
    serve<true>(uWS::SSLApp(options));
  }
}

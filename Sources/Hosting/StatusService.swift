internal import ServiceLifecycle
package import Settings
package import Telemetry

/// Serves health and metrics for as long as the group lives.
package struct StatusService: Service {
  /// The pause before a server that failed is started again.
  private static let retryPause = Duration.seconds(1)

  private let server: StatusServer
  private let listen: TelemetrySettings.Endpoint

  /// A server that does not listen yet.
  ///
  /// - Throws: `StartFailure.configuration` when the address cannot be one.
  package init(
    listen: TelemetrySettings.Endpoint, pages: StatusServer.Pages
  ) throws(StartFailure) {
    self.listen = listen
    do {
      server = try StatusServer(address: listen.address, port: listen.port, pages: pages)
    } catch {
      throw .configuration("telemetry.listen: \(error)")
    }
  }

  /// Serves until the group ends; what goes wrong later than at the start is tried again, since the
  /// stream does not depend on it.
  package func run() async throws {
    var isStart = true
    while true {
      do {
        try await cancelWhenGracefulShutdown { try await server.run() }
      } catch {
        // The end shows as whichever error the server's own tasks throw first.
        if Task.isShuttingDownGracefully || Task.isCancelled { return }
        if isStart && StatusServer.cannotListen(error) {
          throw StartFailure.unavailable("\(listen.address):\(listen.port): \(error)")
        }
      }
      isStart = false
      do {
        try await cancelWhenGracefulShutdown { try await Task.sleep(for: Self.retryPause) }
      } catch {
        return
      }
    }
  }
}

internal import ServiceLifecycle
package import Settings
package import Telemetry

/// Serves health and metrics for as long as the group lives.
package struct StatusService: Service {
  private let server: StatusServer

  /// A server that does not listen yet.
  package init(listen: TelemetrySettings.Endpoint, pages: StatusServer.Pages) {
    server = StatusServer(address: listen.address, port: listen.port, pages: pages)
  }

  /// Serves until the group ends.
  ///
  /// - Throws: `StartFailure.unavailable` when the address is taken or not this host's.
  package func run() async throws {
    do {
      try await cancelWhenGracefulShutdown { try await server.run() }
    } catch {
      // What the end of the group throws is no failure.
      if Task.isShuttingDownGracefully || Task.isCancelled { return }
      throw StartFailure.unavailable("\(error)")
    }
  }
}

internal import ServiceLifecycle
package import Settings
package import Telemetry

/// Serves health and metrics for as long as the group lives.
package struct StatusService: Service {
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

  package func run() async throws {
    do {
      try await cancelWhenGracefulShutdown { try await server.run() }
    } catch is CancellationError {
    } catch {
      throw StartFailure.unavailable("\(listen.address):\(listen.port): \(error)")
    }
  }
}

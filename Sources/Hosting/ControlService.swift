internal import ServiceLifecycle
package import Telemetry

/// Hears what operators ask over a Unix socket, for as long as the group lives.
package struct ControlService: Service {
  private let path: String
  private let server: ControlServer

  /// - Throws: `StartFailure.configuration` for a path that no socket can have.
  package init(
    path: String, reload: @escaping ControlServer.Reload
  ) throws(StartFailure) {
    guard path.utf8.count + 12 <= ControlSocket.pathLengthMax else {
      throw .configuration("control_socket: \(path) is too long for a socket")
    }
    self.path = path
    server = ControlServer(path: path, reload: reload)
  }

  /// Serves until the group ends. The stream goes on without it.
  package func run() async throws {
    do {
      try await cancelWhenGracefulShutdown { try await server.run() }
    } catch {
      if Task.isShuttingDownGracefully || Task.isCancelled { return }
      throw StartFailure.unavailable("control_socket \(path): \(error)")
    }
  }
}

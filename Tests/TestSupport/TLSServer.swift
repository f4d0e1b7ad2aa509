internal import Foundation
internal import Glibc

/// A web server over TLS in a process of its own (`tls_server.py`), with a certificate that nobody
/// knows. It answers every request with the protocol and the connection's number, such as `h2 0`.
package final class TLSServer {
  /// What it speaks where the client offers it; `none` says nothing about protocols, and `cutting`
  /// ends each connection with the first bytes of a request.
  package enum WebProtocol: String, Sendable { case h2, http1 = "http/1.1", none, cutting }

  /// Why there is no server.
  package struct StartError: Error {
    package let log: String
  }

  /// The address, such as `https://127.0.0.1:8443`.
  package let url: String
  /// The certificate in PEM, for those who are to trust it.
  package let certificateFile: String
  private let directory: TemporaryDirectory
  private let process: ChildProcess

  /// Starts a server whose certificate is for `host`, such as `IP:127.0.0.1`.
  package init(_ webProtocol: WebProtocol, host: String = "IP:127.0.0.1") throws {
    directory = try TemporaryDirectory()
    let path = directory.path
    certificateFile = "\(path)/certificate.pem"
    let maker = try ChildProcess(
      "/usr/bin/openssl",
      [
        "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
        "-subj", "/CN=test", "-addext", "subjectAltName=\(host)", "-keyout", "\(path)/key.pem",
        "-out", certificateFile,
      ], output: "\(path)/openssl")
    guard maker.wait(within: .seconds(60)) == .exited(0) else {
      throw StartError(log: directory.text(of: "openssl"))
    }
    process = try ChildProcess(
      TestProgram.path("python3"),
      [
        SourceTree.url("Tests/Fixtures/tls_server.py").path, "--certificate", certificateFile,
        "--key", "\(path)/key.pem", "--protocol", webProtocol.rawValue,
      ], output: "\(path)/log")
    let end = ContinuousClock.now + .seconds(60)
    while process.isRunning, ContinuousClock.now < end, !directory.text(of: "log").hasSuffix("\n") {
      usleep(2_000)
    }
    guard let port = UInt16(directory.text(of: "log").dropLast()) else {
      throw StartError(log: directory.text(of: "log"))
    }
    url = "https://127.0.0.1:\(port)"
  }

  deinit { stop() }

  /// Ends the server.
  package func stop() { process.kill() }
}

internal import Foundation
internal import Glibc

/// A Kafka broker that speaks TLS only: stunnel before a proxy that tells clients stunnel's port.
///
/// Its certificate authority knows one server, and one client where it asks for certificates.
package final class EncryptedBroker {
  /// Why there is none.
  package struct StartError: Error {
    package let log: String
  }

  /// Where clients connect.
  package let bootstrapServers: String
  private let proxy: KafkaProxy
  private let directory: TemporaryDirectory
  private let process: ChildProcess

  /// The password of the client's key.
  package static let keyPassword = "correct-horse-battery"

  /// Files in PEM: who is to be trusted, the client's certificate, and its key with a password.
  package var authorityFile: String { directory.path + "/authority.pem" }
  package var clientFile: String { directory.path + "/client.pem" }
  package var clientKeyFile: String { directory.path + "/client-key.pem" }

  /// - Parameters:
  ///   - broker: a port of 127.0.0.1 where a broker speaks without encryption.
  ///   - name: whom the server's certificate is for.
  ///   - asksForCertificate: whether clients need one of their own.
  package init(
    before broker: UInt16, name: String = "IP:127.0.0.1", asksForCertificate: Bool = false
  ) throws {
    directory = try TemporaryDirectory()
    try Self.makeCertificates(in: directory, name: name)
    let port = freeLoopbackPort()
    guard let proxy = KafkaProxy(broker: broker, advertised: port) else {
      throw StartError(log: "no port is free")
    }
    self.proxy = proxy
    bootstrapServers = "127.0.0.1:\(port)"
    let path = directory.path
    let demand =
      asksForCertificate
      ? "verifyChain = yes\nrequireCert = yes\nCAfile = \(path)/authority.pem" : ""
    try Data(
      """
      foreground = yes
      pid =
      [kafka]
      accept = 127.0.0.1:\(port)
      connect = 127.0.0.1:\(proxy.port)
      cert = \(path)/server.pem
      key = \(path)/server-key.pem
      \(demand)

      """.utf8
    ).write(to: URL(filePath: path + "/stunnel.conf"))
    process = try ChildProcess(
      "/usr/bin/stunnel4", [path + "/stunnel.conf"], output: path + "/log")
    guard comesAbout(within: .seconds(30), { isListening(port) }) else {
      throw StartError(log: directory.text(of: "log"))
    }
  }

  /// What stunnel said.
  package var log: String { directory.text(of: "log") }

  /// Ends it. Whoever made it has to call this.
  package func stop() {
    process.kill()
    proxy.stop()
  }

  private static func makeCertificates(in directory: TemporaryDirectory, name: String) throws {
    let path = directory.path
    let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
    let signed = ["-CA", "\(path)/authority.pem", "-CAkey", "\(path)/authority-key.pem"]
    let runs: [[String]] = [
      ["-nodes", "-subj", "/CN=authority", "-keyout", "\(path)/authority-key.pem"]
        + ["-out", "\(path)/authority.pem"],
      signed + ["-nodes", "-subj", "/CN=server", "-addext", "subjectAltName=\(name)"]
        + ["-keyout", "\(path)/server-key.pem", "-out", "\(path)/server.pem"],
      signed + ["-passout", "pass:\(keyPassword)", "-subj", "/CN=client"]
        + ["-keyout", "\(path)/client-key.pem", "-out", "\(path)/client.pem"],
    ]
    for run in runs {
      let maker = try ChildProcess(
        "/usr/bin/openssl", ["req", "-x509", "-days", "2"] + key + run, output: "\(path)/openssl")
      guard maker.wait(within: .seconds(60)) == .exited(0) else {
        throw StartError(log: directory.text(of: "openssl"))
      }
    }
  }
}

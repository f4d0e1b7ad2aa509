import Foundation
import Records
import TestSupport
import Testing

/// The daemon before brokers that speak TLS, as the real ones do.
@Suite(.enabled(if: !NoidaBroker.isSkipped), .serialized) struct EncryptionTests {
  private let world: ExchangeWorld
  private let directory: TemporaryDirectory

  init() throws {
    world = try ExchangeWorld(count: 60)
    directory = try TemporaryDirectory()
  }

  /// Settings of a daemon that knows the broker's authority, and these properties beside.
  private func settings(
    _ broker: EncryptedBroker, _ properties: String = "", secrets: String = "{}"
  ) -> String {
    world.settings(reaching: broker.bootstrapServers).replacing(
      "  group_instance_id:",
      with: """
          properties: {security.protocol: ssl\(properties)}
          secrets: \(secrets)
          group_instance_id:
        """)
  }

  private func check(_ settings: String) throws -> (ending: ChildProcess.Ending?, text: String) {
    try Data(settings.utf8).write(to: URL(filePath: directory.path + "/sluice.yaml"))
    let process = try ChildProcess(
      DaemonProcess.program, ["check", "--config", directory.path + "/sluice.yaml", "--connect"],
      output: directory.path + "/check")
    return (process.wait(within: .seconds(120)), directory.text(of: "check"))
  }

  @Test func exchangesAreJudgedOverTLS() throws {
    defer { world.broker.stop() }
    let broker = try EncryptedBroker(before: world.broker.port)
    defer { broker.stop() }
    let daemon = try DaemonProcess(
      settings: settings(broker, ", ssl.ca.location: \(broker.authorityFile)"))
    try world.check(try world.readCommitted())
    #expect(daemon.process.stop(within: .seconds(30)) == .exited(0), "\(daemon.log)")
  }

  /// With a certificate of its own, whose key's password comes from a file, and is nowhere else.
  @Test func aClientShowsItsCertificateAndKeepsItsPassword() throws {
    defer { world.broker.stop() }
    let broker = try EncryptedBroker(before: world.broker.port, asksForCertificate: true)
    defer { broker.stop() }
    let trust = ", ssl.ca.location: \(broker.authorityFile)"
    let (ending, text) = try check(settings(broker, trust))
    #expect(ending == .exited(69), "\(text)")

    let passwordFile = directory.path + "/password"
    try Data(EncryptedBroker.keyPassword.utf8).write(to: URL(filePath: passwordFile))
    let own =
      trust + ", ssl.certificate.location: \(broker.clientFile)"
      + ", ssl.key.location: \(broker.clientKeyFile)"
    let secrets = "{ssl.key.password: \(passwordFile)}"
    let known = try check(settings(broker, own, secrets: secrets))
    #expect(known.ending == .exited(0), "\(known.text)\n\(broker.log)")
    let daemon = try DaemonProcess(settings: settings(broker, own, secrets: secrets))
    try world.check(try world.readCommitted())
    let processFolder = "/proc/\(daemon.process.processIdentifier)"
    for file in ["cmdline", "environ"] {
      let data = FileManager.default.contents(atPath: "\(processFolder)/\(file)") ?? Data()
      #expect(!String(decoding: data, as: UTF8.self).contains(EncryptedBroker.keyPassword))
    }
    #expect(daemon.process.stop(within: .seconds(30)) == .exited(0), "\(daemon.log)")
    for text in [daemon.log, text, known.text] {
      #expect(!text.contains(EncryptedBroker.keyPassword))
    }

    let wrong = directory.path + "/wrong"
    try Data("another-password".utf8).write(to: URL(filePath: wrong))
    let refused = try check(settings(broker, own, secrets: "{ssl.key.password: \(wrong)}"))
    #expect(refused.ending == .exited(78), "\(refused.text)")
    #expect(!refused.text.contains("another-password"))
  }

  /// Nobody is believed whom the authority does not know, or who is somebody else.
  @Test(arguments: [false, true])
  func aBrokerWhoIsNotWhoItShouldBeIsRefused(isKnown: Bool) throws {
    defer { world.broker.stop() }
    let broker = try EncryptedBroker(
      before: world.broker.port, name: isKnown ? "DNS:kafka.example" : "IP:127.0.0.1")
    let other = try EncryptedBroker(before: world.broker.port)
    defer {
      broker.stop()
      other.stop()
    }
    let authority = (isKnown ? broker : other).authorityFile
    let (ending, text) = try check(settings(broker, ", ssl.ca.location: \(authority)"))
    #expect(ending == .exited(69), "\(text)")
    #expect(text.contains("certificate"), "\(text)")
  }

  /// A client that speaks without encryption is told so, and does not wait for ever.
  @Test func whoSpeaksInTheClearIsRefused() throws {
    defer { world.broker.stop() }
    let broker = try EncryptedBroker(before: world.broker.port)
    defer { broker.stop() }
    let (ending, text) = try check(world.settings(reaching: broker.bootstrapServers))
    #expect(ending == .exited(69), "\(text)")
  }
}

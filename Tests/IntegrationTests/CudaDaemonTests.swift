import Foundation
import Records
import TestSupport
import Testing

/// The daemon as users run it, with the emulated GPU in the place of CUDA's libraries.
@Suite(.enabled(if: !NoidaBroker.isSkipped), .serialized) struct CudaDaemonTests {
  /// Where CUDA's libraries are looked for first.
  private func libraries(of cuda: EmulatedCuda) -> [String: String] {
    ["SLUICE_CUDA_LIBRARIES": cuda.path, "XDG_CACHE_HOME": cuda.path]
  }

  /// No other record fares better on a lost device: the daemon leaves, and the service manager's
  /// next one begins where the last transaction ended.
  @Test func aLostGPUEndsTheDaemonAndTheNextOneGoesOn() throws {
    let world = try ExchangeWorld(count: 300)
    defer { world.broker.stop() }
    let cuda = try EmulatedCuda()
    let settings = world.settings + "\nengine: {device: \"cuda:0\"}"
    let lost = libraries(of: cuda).merging(["SLUICE_EMULATOR_LAUNCHES": "600"]) { $1 }

    let victim = try DaemonProcess(settings: settings, environment: lost)
    #expect(victim.process.wait(within: .seconds(60)) == .exited(70), "\(victim.log)")
    #expect(victim.log.contains("CUDA_ERROR_LAUNCH_FAILED"))
    #expect(victim.log.contains("cuda:0 (CPU emulator, fp16)"))
    #expect(victim.log.contains("libcublasLt was not found"))

    let successor = try DaemonProcess(settings: settings, environment: libraries(of: cuda))
    let outputs: [InputRecord]
    do {
      outputs = try world.readCommitted()
    } catch {
      Issue.record("\(error); the successor's log: \(successor.log)")
      return
    }
    #expect(successor.process.stop(within: .seconds(30)) == .exited(0), "\(successor.log)")
    try world.check(outputs)
  }

  @Test func withoutAGPUOneLineSaysThatTheCPUJudges() throws {
    let world = try ExchangeWorld(count: 30)
    defer { world.broker.stop() }
    let cuda = try EmulatedCuda()
    let none = libraries(of: cuda).merging(["SLUICE_EMULATOR_DEVICES": "0"]) { $1 }
    let daemon = try DaemonProcess(settings: world.settings, environment: none)
    _ = try world.readCommitted()
    #expect(daemon.process.stop(within: .seconds(30)) == .exited(0), "\(daemon.log)")
    let lines = daemon.log.split(separator: "\n")
    let reasons = lines.filter { $0.contains("no GPU is used") }
    #expect(reasons.count == 1 && reasons[0].contains("CUDA_ERROR_NO_DEVICE"), "\(daemon.log)")
    #expect(lines.filter { $0.contains("device=cpu") }.count == 1, "\(daemon.log)")
  }

  @Test func aGPUThatIsAskedForAndNotThereIsNoStart() throws {
    let world = try ExchangeWorld(count: 3)
    defer { world.broker.stop() }
    let cuda = try EmulatedCuda()
    let directory = try TemporaryDirectory()
    let file = directory.path + "/sluice.yaml"
    try Data((world.settings + "\nengine: {device: \"cuda:1\"}").utf8).write(
      to: URL(filePath: file))
    let daemon = try ChildProcess(
      DaemonProcess.program, ["serve", "--config", file], environment: libraries(of: cuda),
      output: directory.path + "/log")
    #expect(daemon.wait(within: .seconds(60)) == .exited(69))
    #expect(directory.text(of: "log").contains("there is no cuda:1"))
  }
}

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

  /// Settings for a model that the emulated GPU computes in good time.
  private func settings(
    _ world: ExchangeWorld, _ model: String, engine: String = "{}"
  ) -> String {
    let tiny = SourceTree.url("Tests/Fixtures/guard-tiny").path
    return world.settings.replacingOccurrences(of: tiny, with: model) + "\nengine: \(engine)"
  }

  /// No other record fares better on a lost device: the daemon leaves, and the service manager's
  /// next one begins where the last transaction ended.
  @Test func aLostGPUEndsTheDaemonAndTheNextOneGoesOn() throws {
    let world = try ExchangeWorld(count: 300)
    defer { world.broker.stop() }
    let cuda = try EmulatedCuda()
    let model = try GentleModel()
    let settings = settings(world, model.path, engine: "{device: \"cuda:0\"}")
    let lost = libraries(of: cuda).merging(["SLUICE_EMULATOR_LAUNCHES": "2150"]) { $1 }

    let victim = try DaemonProcess(settings: settings, environment: lost)
    #expect(victim.process.wait(within: .seconds(60)) == .exited(70), "\(victim.log)")
    #expect(victim.log.contains("CUDA_ERROR_LAUNCH_FAILED"))
    #expect(victim.log.contains("cuda:0 (CPU emulator, fp16)"))
    #expect(victim.log.contains("without libcublasLt"))

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

  /// Neither work that cannot be recorded nor a GPU that fails before the first record ends the
  /// daemon: one line each says what is lost.
  @Test(arguments: [
    ("SLUICE_EMULATOR_GRAPHS", "instantiate", "the GPU could be faster", "cuGraphInstantiate"),
    ("SLUICE_EMULATOR_LAUNCHES", "1000", "the GPU was refused", "warming up failed"),
  ])
  func aGPUThatCanDoLessIsOneLine(
    variable: String, value: String, message: String, reason: String
  ) throws {
    let world = try ExchangeWorld(count: 30)
    defer { world.broker.stop() }
    let cuda = try EmulatedCuda()
    let model = try GentleModel()
    let daemon = try DaemonProcess(
      settings: settings(world, model.path),
      environment: libraries(of: cuda).merging([variable: value]) { $1 })
    let outputs = try world.readCommitted()
    #expect(daemon.process.stop(within: .seconds(30)) == .exited(0), "\(daemon.log)")
    let lines = daemon.log.split(separator: "\n")
    #expect(lines.count { $0.contains(message) && $0.contains(reason) } == 1, "\(daemon.log)")
    try world.check(outputs)
  }

  /// The next model, too, may be one that the GPU does not compute.
  @Test func aReplacementThatRunsOnTheCPUIsOneLine() throws {
    let world = try ExchangeWorld(count: 3)
    defer { world.broker.stop() }
    let cuda = try EmulatedCuda()
    let (first, second) = (try GentleModel(), try GentleModel(["max_relative_positions": 32]))
    let directory = try TemporaryDirectory()
    let link = directory.path + "/model"
    try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: first.path)
    let daemon = try DaemonProcess(
      settings: settings(world, link), environment: libraries(of: cuda))
    try FileManager.default.removeItem(atPath: link)
    try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: second.path)
    daemon.process.send(signal: SIGHUP)
    #expect(comesAbout { daemon.log.contains("model replaced") }, "\(daemon.log)")
    #expect(daemon.process.stop(within: .seconds(30)) == .exited(0), "\(daemon.log)")
    let refusals = daemon.log.split(separator: "\n").filter { $0.contains("the GPU was refused") }
    #expect(refusals.count == 1 && refusals[0].contains("32 position_buckets"), "\(daemon.log)")
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

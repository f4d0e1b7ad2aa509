import ArgumentParser
import Foundation
import Guard
import Settings

/// What a command runs its model on.
struct EngineOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "auto, cpu or cuda:N; auto takes cuda:0 where it is usable.", valueName: "device"))
  var device: EngineSettings.Device = .auto

  @Option(
    help: "Numbers that are multiplied: auto; of a CPU fp32, bf16, int8; of a GPU fp16, bf16, fp8.")
  var precision: EngineSettings.Precision = .auto

  @Option(help: "Threads of the CPU; 0 takes one per core.")
  var threads = 0

  func validate() throws {
    guard (0...4096).contains(threads) else {
      throw ValidationError("--threads: expected a number from 0 to 4096")
    }
  }

  /// The device that the options ask for.
  func inferenceDevice() throws(GuardModelFailure) -> InferenceDevice {
    try InferenceDevice(
      settings: EngineSettings(device: device, precision: precision, threads: threads),
      environment: ProcessInfo.processInfo.environment)
  }
}

extension EngineSettings.Device: ExpressibleByArgument {
  /// Reads `auto`, `cpu` or `cuda:N`.
  public init?(argument: String) { self.init(argument) }

  /// As help shows it.
  public var defaultValueDescription: String { "auto" }
}

extension EngineSettings.Precision: ExpressibleByArgument {}

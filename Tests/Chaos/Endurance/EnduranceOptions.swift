import ArgumentParser
import Foundation
import Presentation
import TestSupport

/// Options of both long runs, and what is done with what they bring.
struct EnduranceOptions: ParsableArguments {
  @Option(help: "From which texts follow.") var seed: UInt64 = 1
  @Option(help: "Partitions of each topic.") var partitions = 6
  @Option(help: "A model folder; by default the bundled guard.")
  var model = SourceTree.url("Sources/Guard/Resources/guard-minilm").path
  @Option(help: "Numbers that the model computes with: auto, fp32, bf16 or int8.")
  var precision = "auto"
  @Option(help: "Bootstrap servers of a cluster to use; by default KAFKA_BOOTSTRAP, if it is set.")
  var cluster: String?
  @Option(help: "Replicas of the topics that are made there.") var replicas = 1
  @Option(help: "The program; by default the one that was built with this.")
  var program = SourceTree.product("sluice").path

  func validate() throws {
    guard partitions > 0, replicas > 0 else {
      throw ValidationError("--partitions and --replicas are above 0.")
    }
  }

  var place: Cluster? {
    (cluster ?? NoidaBroker.externalBootstrapServers).map {
      Cluster(bootstrapServers: $0, replicas: replicas)
    }
  }

  /// Runs it with a bar. Whatever keeps it from being run ends this program with 69.
  func run(_ plan: EndurancePlan) async throws -> EnduranceResult {
    do {
      try FileManager.default.createDirectory(
        atPath: plan.folder, withIntermediateDirectories: true)
      for name in ["filter", "label", "retrain"] {
        try? FileManager.default.removeItem(atPath: "\(plan.folder)/\(name).log")
      }
      let bar = ProgressBar(unwatchedInterval: .seconds(60))
      let result = try await Endurance(plan).run { sample in
        bar.show {
          let share = min(1, sample.at / plan.shape.seconds)
          return "\(ProgressBar.bar(share: share)) \(duration(sample.at)), "
            + "\(grouped(sample.decided)) of \(grouped(sample.sent)) exchanges decided, "
            + "\(EnduranceReport.mebibytes(sample.filter.map { Double($0.gauge.memory) })) MiB"
        }
      }
      bar.finish()
      return result
    } catch {
      FileHandle.standardError.write(Data("\(error)\n".utf8))
      throw ExitCode(69)
    }
  }

  /// Says and keeps what came out; ends this program with 1 where something is not as it must be.
  func conclude(_ report: EnduranceReport, _ folder: String) throws {
    print(report.text)
    try report.write(to: folder)
    if !report.isGood {
      print("seed \(seed); logs and report in \(folder)")
      throw ExitCode(1)
    }
  }
}

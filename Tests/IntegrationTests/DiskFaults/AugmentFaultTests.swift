import Datasets
import Foundation
import TestSupport
import Testing

/// `sluice augment` on disks that fail.
@Suite(.serialized) struct AugmentFaultTests {
  /// Answers that were paid for are kept, and the next run comes to the rows of an undisturbed one.
  @Test(arguments: [FailingDisk.Fault.full, .broken])
  func inventedRowsAreKept(fault: FailingDisk.Fault) async throws {
    let directory = try TemporaryDirectory()
    let data = directory.path + "/data.jsonl"
    let rows = ScriptedWorld.exemplars.map { LabelledExample(id: $0, prompt: $0, isUnsafe: true) }
    try Data(rows.map(DatasetFile.line).joined()).write(to: URL(filePath: data))
    let world = try await ScriptedServer { request, _ in ScriptedWorld.answer(request) }
    let output = directory.path + "/rows.jsonl"
    var arguments = [
      "augment", "--data", data, "--output", output, "--instructions", "6", "--refusal-trials", "2",
      "--teacher-template", "few_shot",
    ]
    for role in ["generator", "refuser", "complier", "teacher"] {
      arguments += ["--\(role)", world.url, "--\(role)-model", role]
    }
    #expect(try Command(arguments).ending == .exited(0))
    let wanted = directory.text(of: "rows.jsonl")
    try DiskTrial(arguments, prefix: output, in: directory, calls: 3).run(fault) {
      for file in [output, output + ".journal"] {
        try? FileManager.default.removeItem(atPath: file)
      }
    } check: { run, place in
      if run.ending != .exited(0) {
        let again = try Command(arguments)
        #expect(again.ending == .exited(0), "\(again.error) (\(place))")
      }
      #expect(directory.text(of: "rows.jsonl") == wanted, place)
    }
  }
}

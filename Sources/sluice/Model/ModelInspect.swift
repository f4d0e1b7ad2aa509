import ArgumentParser
import Guard
import ModelRegistry
import Presentation
import Settings
internal import StrictJSON
import Tensors

struct ModelInspect: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect",
    abstract: "Show what a model folder is, and whether it can judge.",
    discussion: """
      Tells what its labels will be taken for, how texts are cut for it, what a token costs and
      what computes it. Weights are read where they lie, and no text is judged: `sluice classify`
      does that.

      A GPU takes a model only where its scores agree with the CPU's, which is tried when the model
      is loaded; here is said whether it computes such models at all, with or without a GPU.

      Exit codes: 0 when it can judge, or a training can start from it; 66 when it can neither, with
      one sentence that says why and what to do.

      Example: sluice model inspect ./HarmAug-Guard
      Example: sluice model inspect /var/lib/sluice/models/current --json
      """)

  @Argument(help: "A model folder in Hugging Face's layout.")
  var folder: String

  @Flag(help: "One JSON object.")
  var json = false

  func run() throws {
    try exiting {
      let inspection: ModelInspection
      do throws(GuardModelFailure) {
        inspection = try ModelInspection(
          settings: ModelSettings(path: folder), pool: WorkerPool())
      } catch {
        if json { try printJSON(["folder": folder, "error": error.description]) }
        throw error
      }
      if json {
        try printJSON(JSON(inspection, folder: folder))
      } else {
        StandardOutput.say(inspection.text)
      }
    }
  }
}

extension ModelInspection {
  /// A line for each subject.
  fileprivate var text: String {
    lines.map { name, words in
      name + String(repeating: " ", count: 13 - name.count) + words
    }.joined(separator: "\n")
  }

  private var lines: [(name: String, words: String)] {
    var lines = [
      ("model", "\(model), \(architecture ?? type)"), ("judges", judgingRefusal ?? "yes"),
      ("trains", trainingRefusal.map { "no: \($0)" } ?? "yes"), ("encoder", encoderWords),
      ("weights", weightWords),
    ]
    lines += labels.map { ("label", "\($0.name): \($0.isUnsafe ? "unsafe" : "safe")") }
    lines += [
      ("score", score), ("window", windowWords),
      (
        "tokenizer",
        "\(tokens.kind) of \(tokens.file), \(grouped(tokens.ids)) ids, "
          + "\(tokens.added) added tokens" + (tokens.foldsText ? ", texts are folded" : "")
      ),
      ("views", views.names.joined(separator: " and ")),
      (
        "cost",
        costs.map { "\(Self.operations($0.operations)) a token in \($0.length) tokens" }
          .joined(separator: ", ")
      ),
    ]
    lines += engines.map { engine in
      (
        "engine",
        "\(engine.device) \(engine.precision): \(engine.refusal.map { "no, \($0)" } ?? "yes")"
      )
    }
    if let hypothesis { lines.append(("hypothesis", hypothesis)) }
    if let calibration {
      let threshold = calibration.threshold.map { ", threshold \($0)" } ?? ""
      lines.append(("calibration", "temperature \(calibration.temperature)\(threshold)"))
    }
    if let manifest {
      lines.append(("registry", "\(manifest.version), \(manifest.status.rawValue)"))
    }
    return lines
  }

  private var encoderWords: String {
    let projected =
      sizes.embedding == sizes.hidden ? "" : ", embeddings of \(grouped(sizes.embedding))"
    return "\(sizes.layers) layers of \(grouped(sizes.hidden)), \(sizes.heads) heads, "
      + "\(grouped(sizes.intermediate)) between maps\(projected), "
      + "\(sizes.tokenTypes) token types, vocabulary \(grouped(sizes.vocabulary))"
  }

  private var weightWords: String {
    let names = formats.sorted { $0.value > $1.value }.map(\.key).joined(separator: " and ")
    let files = weightFiles.count == 1 ? weightFiles[0] : "\(weightFiles.count) files"
    return "\(grouped(parameters)) numbers, \(names), \(grouped(weightBytes)) bytes in \(files)"
  }

  private var windowWords: String {
    let kind = sizes.positionsAreAbsolute ? "absolute" : "relative"
    let beyond =
      windowTokens > sizes.positions
      ? "; more than it was made for: model.window_tokens bounds it" : ""
    return "\(windowTokens) tokens, \(overlapTokens) shared with the next; "
      + "made for \(sizes.positions) \(kind) positions\(beyond)"
  }

  /// How labels become P(unsafe).
  fileprivate var score: String {
    func names(_ isUnsafe: Bool) -> String {
      let names = labels.filter { $0.isUnsafe == isUnsafe }.map(\.name)
      return names.prefix(8).joined(separator: ", ") + (names.count > 8 ? " …" : "")
    }
    if !labelsExcludeEachOther {
      let several = labels.count(where: \.isUnsafe) > 1
      return several ? "the largest sigmoid of \(names(true))" : "the sigmoid of \(names(true))"
    }
    return labels.count == 2
      ? "the softmax of \(names(true))" : "1 less the softmax of \(names(false))"
  }

  private static func operations(_ count: Int) -> String {
    let millions = Double(count) / 1e6
    return millions < 1000 ? "\(fixed(millions, 1)) MFLOP" : "\(fixed(millions / 1000, 2)) GFLOP"
  }
}

extension JSON {
  /// What was found in a folder.
  fileprivate init(_ found: ModelInspection, folder: String) throws(JSONError) {
    let sizes = found.sizes
    let members: [String: JSON?] = [
      "folder": .text(folder), "model": .text(found.model), "model_type": .text(found.type),
      "architecture": found.architecture.map(JSON.text),
      "can_judge": .flag(found.judgingRefusal == nil),
      "can_train": .flag(found.trainingRefusal == nil),
      "sizes": .members([
        "layers": .integer(sizes.layers), "hidden": .integer(sizes.hidden),
        "heads": .integer(sizes.heads), "intermediate": .integer(sizes.intermediate),
        "embedding": .integer(sizes.embedding), "vocabulary": .integer(sizes.vocabulary),
        "token_types": .integer(sizes.tokenTypes), "positions": .integer(sizes.positions),
      ]),
      "weights": .members([
        "parameters": .integer(found.parameters), "bytes": .integer(found.weightBytes),
        "formats": .object(found.formats.mapValues(JSON.integer)),
        "files": .list(found.weightFiles.map(JSON.text)),
      ]),
      "labels": .list(
        found.labels.map {
          .members([
            "name": .text($0.name), "meaning": .text($0.isUnsafe ? "unsafe" : "safe"),
          ])
        }),
      "activation": .text(found.labelsExcludeEachOther ? "softmax" : "sigmoid"),
      "score": .text(found.score),
      "window": .members([
        "tokens": .integer(found.windowTokens), "overlap": .integer(found.overlapTokens),
        "positions_are_absolute": .flag(sizes.positionsAreAbsolute),
      ]),
      "tokenizer": .members([
        "file": .text(found.tokens.file), "kind": .text(found.tokens.kind),
        "ids": .integer(found.tokens.ids), "added": .integer(found.tokens.added),
        "folds_text": .flag(found.tokens.foldsText),
      ]),
      "views": .list(found.views.names.map(JSON.text)),
      "hypothesis": found.hypothesis.map(JSON.text),
      "costs": .list(
        found.costs.map {
          .members(["tokens": .integer($0.length), "flops_per_token": .integer($0.operations)])
        }),
      "engines": .list(
        found.engines.map {
          .members([
            "device": .text($0.device), "precision": .text($0.precision),
            "computes": .flag($0.refusal == nil), "reason": $0.refusal.map(JSON.text),
          ])
        }),
      "calibration": try found.calibration.map { (value) throws(JSONError) in
        try JSON(encoding: value)
      },
      "version": found.manifest.map { .text($0.version.description) },
      "status": found.manifest.map { .text($0.status.rawValue) },
    ]
    self = .members(members)
  }
}

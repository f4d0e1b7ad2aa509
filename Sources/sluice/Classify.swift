import ArgumentParser
import FilterService
import Glibc
import Guard
import Pipeline
import Presentation
import Records
import Settings
internal import Wire

struct Classify: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Judge exchanges given as JSON lines.",
    discussion: """
      Reads one exchange a line from standard input and writes one verdict a line, in the same
      order. A line that cannot be judged gives {"line": n, "error": "…"} in its place. The exit
      status is 0 unless every line was bad (65).

      Example: echo '{"prompt": "How do I bake bread?"}' | sluice classify
      Example: sluice classify --model DIR --threshold 0.8 < exchanges.jsonl > verdicts.jsonl
      Example: sluice classify --model NLI --hypothesis "This text threatens somebody."
      Example: sluice classify --model DIR --turns all --judge tool_calls reasoning < chats.jsonl
      """)

  @Option(
    name: .shortAndLong,
    help: "A model folder in Hugging Face's layout; by default the bundled model.")
  var model = ModelSettings.bundledPath

  @Option(help: "Flag exchanges with this score or more.")
  var threshold: Float = 0.5

  @Flag(help: "Cut long texts to one window, as Hugging Face does, instead of judging all of it.")
  var truncate = false

  @Option(
    help: "prompt, response (given the prompt) or both; what the model is for by default.")
  var views: Views?

  @Option(help: "Which turns of a list of messages to judge: new or all.")
  var turns: ConversationRules.Turns = .new

  @Option(
    parsing: .upToNextOption,
    help:
      """
      What to judge beside users and models: \
      \(TextKind.optional.map(\.rawValue).joined(separator: ", ")).
      """
  )
  var judge: [TextKind] = TextKind.optional.filter(ConversationRules().judges)

  @Option(help: "Longest sequence in tokens; the model's own limit by default.")
  var windowTokens: Int?

  @Option(help: "Sequences of one exchange at most.")
  var windowsMax = 64

  @Option(help: "For an NLI model: a sentence that unsafe texts imply.")
  var hypothesis: String?

  @OptionGroup var engine: EngineOptions

  enum Views: String, ExpressibleByArgument, CaseIterable {
    case prompt, response, both
  }

  func validate() throws {
    guard (0...1).contains(threshold) else {
      throw ValidationError("--threshold: expected a number from 0 to 1")
    }
    guard Set(judge).isSubset(of: TextKind.optional) else {
      throw ValidationError("--judge: user and assistant are always judged, attachments never")
    }
    guard (windowTokens ?? 512) >= 8 else {
      throw ValidationError("--window-tokens: expected at least 8")
    }
    guard windowsMax >= 1 else { throw ValidationError("--windows-max: expected at least 1") }
  }

  func run() throws {
    do {
      try judgeAll()
    } catch {
      throw exitError(for: error)
    }
  }

  private func judgeAll() throws {
    var settings = ModelSettings(path: model)
    settings.windowTokens = windowTokens
    settings.windowsMax = windowsMax
    settings.hypothesis = hypothesis
    settings.views =
      switch views {
      case .prompt: .prompt
      case .response: .response
      case .both: .all
      case nil: nil
      }
    let guardModel = try GuardModel(settings: settings, device: try engine.inferenceDevice())
    var classification = Classification(
      model: guardModel, policy: Policy(threshold: threshold), truncates: truncate,
      conversations: ConversationRules(turns: turns, judged: Set(judge)))
    var reader = LineReader(descriptor: STDIN_FILENO)
    let bar = ProgressBar(sharesTerminal: true)
    do {
      while !StandardOutput.isOver, let lines = try reader.next() {
        try write(lines, &classification, bar)
      }
    } catch let error as ReadFailure {
      throw fail("standard input: \(error.reason)", code: 66)
    }
    bar.finish()
    if StandardOutput.isOver { return }
    if classification.lines > 0, classification.badLines == classification.lines {
      throw fail("none of \(classification.lines) lines could be judged", code: 65)
    }
  }

  /// Judges lines in portions and writes the answers, for as long as they can be written.
  private func write(
    _ lines: [[UInt8]], _ classification: inout Classification, _ bar: ProgressBar
  ) throws(ClassifierFailure) {
    var rest = lines[...]
    while !rest.isEmpty, !StandardOutput.isOver {
      let portion = Array(rest.prefix(64))
      rest = rest.dropFirst(portion.count)
      let outputs = try classification.judge(portion)
      StandardOutput.write(outputs.flatMap { $0 + [UInt8(ascii: "\n")] })
      let (lines, tokens) = (classification.lines, classification.tokens)
      bar.show { "\(lines) lines, \(Int(Double(tokens) / bar.elapsed)) tokens/s" }
    }
  }
}

extension ConversationRules.Turns: ExpressibleByArgument {}
extension TextKind: ExpressibleByArgument {}

import ArgumentParser
import FilterService
import Glibc
import ModelRegistry
import Presentation
import Records
import Settings
import Tensors
internal import Wire

struct ModelVerify: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Check a version's files by their digests, or published verdicts by judging again.",
    discussion: """
      With --record, the file has pairs of lines: an exchange as JSON, then its published verdict.
      Each is judged again by the model that its verdict names, from this registry; scores must be
      within 1e-4, tokens and windows the same, and action and threshold must follow from them. Give
      the daemon's settings file where it sets how texts are cut, and to prove threshold and action
      from its policies.

      Exit status 65 when something is not as it should be.

      Example: sluice model verify current --models models
      Example: sluice model verify --record logged.jsonl --config /etc/sluice/sluice.yaml
      """)

  @OptionGroup var options: RegistryOptions

  @Argument(help: "The version, `current` or `previous`; all versions by default.")
  var version: String?

  @Option(help: "A file of exchanges and their published verdicts, line by line in turn.")
  var record: String?

  @Option(help: "The daemon's settings file.")
  var config: String?

  @Flag(help: "One JSON object a line.")
  var json = false

  func validate() throws {
    if version != nil, record != nil {
      throw ValidationError("give a version or --record, not both")
    }
    if config != nil, record == nil { throw ValidationError("--config needs --record") }
  }

  func run() throws {
    try exiting {
      let isGood = try record.map(verifyRecords) ?? verifyFiles()
      if !isGood { throw ExitCode(65) }
    }
  }

  // MARK: Files

  private struct FileFinding: Encodable {
    let version: String
    let ok: Bool
    let problems: [String]
  }

  private func verifyFiles() throws -> Bool {
    let registry = options.registry
    let versions = try version.map { [try options.version($0)] } ?? registry.versions()
    var isGood = true
    for version in versions {
      var problems: [String]
      do throws(RegistryError) {
        problems = try registry.problems(of: version)
      } catch {
        if error.kind == .missing { throw error }
        problems = [error.problem]
      }
      isGood = isGood && problems.isEmpty
      if json {
        try printJSON(
          FileFinding(
            version: version.description, ok: problems.isEmpty, problems: problems))
      } else {
        let words = problems.isEmpty ? "ok" : problems.joined(separator: "; ")
        StandardOutput.say("\(version)  \(words)")
      }
    }
    return isGood
  }

  // MARK: Records

  fileprivate struct RecordFinding: Encodable {
    let line: Int
    let ok: Bool
    var model: String?
    var version: String?
    var published_score: Float?
    var score: Float?
    let problems: [String]
  }

  private func verifyRecords(_ path: String) throws -> Bool {
    let settings = try config.map(loadSettings)
    var proof = RecordProof(
      registry: options.registry, settings: settings?.model ?? ModelSettings(path: ""),
      policies: settings?.policies,
      conversations: settings?.wire.conversations ?? ConversationRules(), pool: WorkerPool())
    var table = TextTable(
      .words, header: ["LINE", "RESULT", "MODEL", "VERSION", "PUBLISHED", "AGAIN"])
    var isGood = true
    let lines = try Self.lines(of: path)
    guard !lines.isEmpty, lines.count % 2 == 0 else {
      throw fail("\(path): expected pairs of lines, an exchange and its verdict", code: 65)
    }
    for index in stride(from: 0, to: lines.count, by: 2) {
      let finding: RecordFinding
      do throws(RecordProof.Failure) {
        finding = RecordFinding(
          line: index + 1, try proof.prove(exchange: lines[index], verdict: lines[index + 1]))
      } catch {
        finding = RecordFinding(line: index + 1, ok: false, problems: [error.description])
      }
      isGood = isGood && finding.ok
      if json { try printJSON(finding) }
      table.add([
        String(finding.line), finding.ok ? "proven" : finding.problems.joined(separator: "; "),
        finding.model ?? "-", finding.version ?? "-",
        finding.published_score?.description ?? "-", finding.score?.description ?? "-",
      ])
    }
    if !json { StandardOutput.say(table.text) }
    return isGood
  }

  private static func lines(of path: String) throws -> [[UInt8]] {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw fail("\(path): cannot be read", code: 66) }
    defer { close(descriptor) }
    var reader = LineReader(descriptor: descriptor)
    var lines: [[UInt8]] = []
    do throws(ReadFailure) {
      while let some = try reader.next() { lines += some.filter { !$0.isEmpty } }
    } catch {
      throw fail("\(path): \(error.reason)", code: 66)
    }
    return lines
  }
}

extension ModelVerify.RecordFinding {
  fileprivate init(line: Int, _ finding: RecordProof.Finding) {
    self.init(
      line: line, ok: finding.differences.isEmpty, model: finding.model,
      version: finding.version.description, published_score: finding.publishedScore.rawValue,
      score: finding.score.rawValue, problems: finding.differences)
  }
}

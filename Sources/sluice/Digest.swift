import ArgumentParser
import Glibc
import Pipeline
import Records
import Settings
import Wire

struct Digest: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Print the digests by which exceptions know contents.",
    discussion: """
      Reads exchanges as JSON, one a line, and writes a line for each: the SHA-256 of its prompt and
      response, 64 hexadecimal digits, and its id. It goes into the settings' exceptions under
      content, and is the key of the exchange's label. Nothing of the text is written.

      The settings say what of a conversation is judged: give them where they differ from the
      defaults.

      Exit codes: 0 success; 65 a line is no exchange.

      Example: sluice digest --config /etc/sluice/sluice.yaml < flagged.jsonl
      """)

  @Option(name: .shortAndLong, help: "The settings file; the defaults without it.")
  var config: String?

  func run() throws {
    let rules = try config.map { try loadSettings($0).wire.conversations } ?? ConversationRules()
    var decoder = ExchangeDecoder(defaultFormat: .json, conversations: rules)
    var reader = LineReader(descriptor: STDIN_FILENO)
    var number = 0
    do {
      while !StandardOutput.isOver, let lines = try reader.next() {
        for line in lines {
          number += 1
          StandardOutput.say(try digest(of: line, number, &decoder))
        }
      }
    } catch let error as ReadFailure {
      throw fail("standard input: \(error.reason)", code: 66)
    }
  }

  private func digest(
    of line: [UInt8], _ number: Int, _ decoder: inout ExchangeDecoder
  ) throws -> String {
    do throws(DecodingFailure) {
      let exchange = try decoder.decode(line.span, as: .json)
      let digest = ExceptionSubject(exchange).content?.description ?? ""
      return exchange.id.map { "\(digest)  \($0)" } ?? digest
    } catch {
      throw fail("standard input:\(number): \(error.detail)", code: 65)
    }
  }
}

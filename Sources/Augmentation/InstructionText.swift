/// Takes the instruction out of what a generator wrote: the stop rules.
///
/// The first line that has a letter or digit, without list marks and quotation marks around it, up
/// to the end of its first sentence.
package enum InstructionText {
  /// Bytes of an instruction at most.
  package static let bytesMax = 1000
  /// Words of an instruction at least: less is a heading or a fragment.
  package static let wordsMin = 3

  /// Why a text holds no instruction.
  package enum Problem: Error, Hashable, Sendable {
    /// Nothing, or too few words.
    case empty
    /// The text ends before its first sentence does.
    case cut
  }

  /// The instruction in a text; `isCut` says that the generation ended at its limit on tokens.
  package static func extract(from text: String, isCut: Bool) throws(Problem) -> String {
    let lines = text.split(whereSeparator: \.isNewline)
    guard let index = lines.firstIndex(where: { $0.contains { $0.isLetter || $0.isNumber } })
    else { throw .empty }
    let line = bare(lines[index])
    let sentence = firstSentence(line)
    let isLastLine = index == lines.count - 1
    if isCut, isLastLine, sentence.utf8.count == line.utf8.count, !endsSentence(line) { throw .cut }
    guard sentence.utf8.count <= bytesMax else { throw .cut }
    guard sentence.split(whereSeparator: \.isWhitespace).count >= wordsMin else { throw .empty }
    return String(sentence)
  }

  /// Without white space, list numbers, marks of emphasis and quotation marks at both ends.
  private static func bare(_ line: Substring) -> Substring {
    var line = line
    let ends: Set<Character> = ["*", "_", "#", "-", ">", "`", "\"", "“", "”", "„", "•"]
    func trim() {
      line = line.drop { $0.isWhitespace || ends.contains($0) }
      while let last = line.last, last.isWhitespace || ends.contains(last) { line.removeLast() }
    }
    trim()
    let number = line.prefix { $0.isASCII && $0.isNumber }
    if !number.isEmpty, number.count <= 2 {
      let rest = line.dropFirst(number.count)
      if let mark = rest.first, mark == "." || mark == ")" {
        line = rest.dropFirst()
        trim()
      }
    }
    return line
  }

  /// Up to the first full stop, question or exclamation mark behind a word of some length, with
  /// white space after it; so "e.g. this" stays whole.
  private static func firstSentence(_ line: Substring) -> Substring {
    var wordLength = 0
    var index = line.startIndex
    while index < line.endIndex {
      let next = line.index(after: index)
      let character = line[index]
      if isSentenceEnd(character), wordLength >= 3, next < line.endIndex,
        line[next].isWhitespace || line[next] == "\""
      {
        return line[..<next]
      }
      wordLength = character.isLetter || character.isNumber ? wordLength + 1 : 0
      index = next
    }
    return line
  }

  private static func endsSentence(_ line: Substring) -> Bool {
    line.last.map(isSentenceEnd) ?? false
  }

  private static func isSentenceEnd(_ character: Character) -> Bool {
    character == "." || character == "?" || character == "!"
  }
}

/// One label as the model's tokenizer has it.
struct LabelToken: Hashable, Sendable {
  let identifier: Int
  /// What it is written as, for servers that tell no numbers.
  let text: String
}

/// The tokens of both labels, as they stand directly after the question and after white space.
struct LabelTokens: Hashable, Sendable {
  struct Pair: Hashable, Sendable {
    let safe: LabelToken
    let unsafe: LabelToken
  }

  let afterCue: Pair
  /// nil where a label without its white space is not one token.
  let afterWhiteSpace: Pair?

  /// Asks the server for the tokens of the labels.
  ///
  /// - Throws: `TeacherError.unfit` when a label is not exactly one token, or both are the same.
  init(
    _ client: LanguageModelClient, _ template: any TeacherTemplate
  ) async throws(TeacherError) {
    let safeToken = try await Self.resolve(template.safeLabel, after: template.cue, client)
    let unsafeToken = try await Self.resolve(template.unsafeLabel, after: template.cue, client)
    guard let safeToken, let unsafeToken else {
      throw .unfit(
        "\(client.shownAddress): \(client.model) does not write each label as one token: "
          + "another template or teacher is needed")
    }
    guard safeToken.identifier != unsafeToken.identifier else {
      throw .unfit("\(client.shownAddress): \(client.model) has one token for both labels")
    }
    afterCue = Pair(safe: safeToken, unsafe: unsafeToken)
    let cue = template.cue + "\n"
    let bareSafe = try await Self.resolve(template.safeLabel.withoutSpace, after: cue, client)
    let bareUnsafe = try await Self.resolve(template.unsafeLabel.withoutSpace, after: cue, client)
    if let bareSafe, let bareUnsafe, bareSafe.identifier != bareUnsafe.identifier {
      afterWhiteSpace = Pair(safe: bareSafe, unsafe: bareUnsafe)
    } else {
      afterWhiteSpace = nil
    }
  }

  /// The one token that a label adds to what stands before it; nil if it is not exactly one.
  private static func resolve(
    _ label: String, after cue: String, _ client: LanguageModelClient
  ) async throws(TeacherError) -> LabelToken? {
    do throws(LanguageModelError) {
      let before = try await client.tokenize(cue)
      let with = try await client.tokenize(cue + label)
      guard with.count == before.count + 1, with.starts(with: before), let last = with.last else {
        return nil
      }
      return LabelToken(identifier: last, text: label)
    } catch {
      if case .status(404) = error.kind {
        throw .unfit("\(error.url): without /tokenize the label tokens cannot be checked")
      }
      throw .server(error)
    }
  }
}

extension String {
  fileprivate var withoutSpace: String { String(drop(while: \.isWhitespace)) }
}

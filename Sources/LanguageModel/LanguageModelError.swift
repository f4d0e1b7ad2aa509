/// A request to a language model's server that failed; it never shows a text of either side.
package struct LanguageModelError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What went wrong.
  package enum Kind: Hashable, Sendable {
    /// The server answered with this status of HTTP.
    case status(Int)
    /// No connection, or it broke; a what happened, in words.
    case connection(String)
    case timedOut
    /// The answer is not what the server's interface promises, such as a proxy's page or an error
    /// in the place of an answer; says what is wrong with it.
    case malformedAnswer(String)
    /// A good answer that brings nothing for this request; says why.
    case noAnswer(String)
    /// The server failed so often that it is left alone for a while.
    case circuitOpen
    /// As many requests were sent within an hour as the settings allow.
    case budgetSpent
    /// More requests wait for their turn than the settings allow.
    case overloaded
    /// The address or the key in the settings cannot be used; says why.
    case unusableSettings(String)
    case cancelled
  }

  package let kind: Kind
  /// Scheme, host, port and path: without user, password and query.
  package let url: String
  /// How long the server asked to be left alone, or the client will not send.
  package let retryAfter: Duration?

  /// Whether the server turns down one request after the other, or has answered none yet: then no
  /// request is to blame for itself, whatever the status says.
  package internal(set) var isDoubtful = false

  /// What opened the circuit.
  package internal(set) var cause: Kind?

  package init(_ kind: Kind, url: String, retryAfter: Duration? = nil) {
    self.kind = kind
    self.url = url
    self.retryAfter = retryAfter
  }

  /// Whether the request itself is to blame, such as a text that is too long: another one fares
  /// better. Everything else is the state of the server, or of the way to it.
  package var isAboutRequest: Bool {
    switch kind {
    case .status(let code): [400, 413, 414, 422, 431].contains(code)
    case .noAnswer: true
    default: false
    }
  }

  /// Whether it may pass by itself, and soon.
  package var isPassing: Bool {
    switch kind {
    case .status(let code): [408, 425, 429].contains(code) || code >= 500
    case .connection, .timedOut, .malformedAnswer, .circuitOpen, .budgetSpent, .overloaded: true
    case .noAnswer, .unusableSettings, .cancelled: false
    }
  }

  /// Whether the same request can succeed later: once the server is back, or somebody has given it
  /// the key, the money or the model that it asks for.
  package var isRetriable: Bool {
    switch kind {
    case .unusableSettings, .cancelled: false
    default: !isAboutRequest
    }
  }

  /// Whether the client kept the request back: the server has not seen it.
  package var isWithheld: Bool {
    switch kind {
    case .circuitOpen, .budgetSpent, .overloaded: true
    default: false
    }
  }

  /// Whether it tells against the server's health rather than against the request.
  var isServerFailure: Bool {
    switch kind {
    case .status(let code): code != 429 && !isAboutRequest
    case .connection, .timedOut, .malformedAnswer: true
    default: false
    }
  }

  /// What an operator should look at.
  private static func hint(_ code: Int) -> String {
    switch code {
    case 401, 403: ": is the key right?"
    case 402: ": is the account paid?"
    case 404: ": are address and model right?"
    case 300..<400: ", which is not followed: is the address right?"
    default: ""
    }
  }

  package var description: String {
    "\(url): \(Self.words(kind))\(cause.map { " (\(Self.words($0)))" } ?? "")"
  }

  private static func words(_ kind: Kind) -> String {
    switch kind {
    case .status(let code): "the server answered with status \(code)\(hint(code))"
    case .connection(let reason): "the connection failed (\(reason))"
    case .timedOut: "no answer in time"
    case .malformedAnswer(let problem), .noAnswer(let problem):
      "the answer is unusable: \(problem)"
    case .circuitOpen: "the server failed repeatedly and is left alone for now"
    case .budgetSpent: "the hour's requests are used up"
    case .overloaded: "too many requests wait"
    case .unusableSettings(let problem): problem
    case .cancelled: "the request was cancelled"
    }
  }
}

package import Records
internal import Sections

/// Which model judges, and how texts are cut for it.
package struct ModelSettings: Hashable, Sendable {
  /// A folder in Hugging Face's layout, or a symbolic link to one, such as a registry's `current`;
  /// or `bundledPath`.
  package var path: String
  /// How often to look whether the link leads elsewhere now; 0 for never.
  package var pollSeconds: Int
  /// The name in verdicts; nil takes the folder's.
  package var name: String?
  /// Token ids in one sequence at most; nil takes the model's own limit.
  package var windowTokens: Int?
  /// Pieces that two neighbouring windows share; nil takes a quarter of the window.
  package var windowOverlapTokens: Int?
  /// Sequences of one exchange at most; a longer text becomes a dead letter.
  package var windowsMax: Int
  /// What is judged of an exchange that has both; nil takes what the model is for.
  package var views: JudgedViews?
  /// The model's unsafe labels, where their names do not tell; else empty.
  package var unsafeLabels: [String]
  /// A sentence that unsafe texts imply, for a model that tells whether they do; nil for others.
  package var hypothesis: String?

  /// Names the model that comes with the program.
  package static let bundledPath = "bundled"

  /// The defaults for a model in a folder, or for the bundled one.
  package init(path: String = bundledPath) {
    self.path = path
    pollSeconds = 5
    windowsMax = 64
    unsafeLabels = []
  }
}

extension ModelSettings {
  init(_ section: SectionReader) {
    path = section.optionalText("path") ?? Self.bundledPath
    pollSeconds = section.number("poll_seconds", default: 5, in: 0...86_400)
    name = section.optionalText("name")
    windowTokens = section.optionalNumber("window_tokens", in: 8...65_536)
    windowOverlapTokens = section.optionalNumber("window_overlap_tokens", in: 0...65_535)
    windowsMax = section.number("windows_max", default: 64, in: 1...65_536)
    if let names = section.optionalTexts("views") {
      var chosen: JudgedViews = []
      for name in names {
        switch name {
        case "prompt": chosen.insert(.prompt)
        case "response": chosen.insert(.response)
        default: section.complain("expected prompt, response or both", about: "views")
        }
      }
      views = chosen
    }
    unsafeLabels = section.optionalTexts("unsafe_label") ?? []
    hypothesis = section.optionalText("hypothesis")
    if let window = windowTokens, let overlap = windowOverlapTokens, overlap > window / 2 {
      section.complain("must be at most half of window_tokens", about: "window_overlap_tokens")
    }
    section.finish()
  }
}

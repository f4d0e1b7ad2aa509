/// A page in one file of HTML that needs nothing else.
package struct Page {
  private let title: String
  private let sections: [String]

  /// - Parameters:
  ///   - title: as plain text.
  ///   - sections: HTML.
  package init(title: String, sections: [String]) {
    (self.title, self.sections) = (title, sections)
  }

  package var html: String {
    """
    <!doctype html>
    <html lang="en"><head><meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>\(escaped(title))</title>
    <style>
    \(PageStyle.css)
    </style></head><body><main>
    \(sections.joined(separator: "\n"))
    </main></body></html>

    """
  }

  /// Figures that stand out, each with a line before and after.
  package static func tiles(_ tiles: [(title: String, value: String, note: String)]) -> String {
    let boxes = tiles.map { title, value, note in
      "<div class=\"tile\"><span>\(escaped(title))</span><strong>\(escaped(value))</strong>"
        + "<span>\(escaped(note))</span></div>"
    }
    return "<div class=\"tiles\">\(boxes.joined(separator: "\n"))</div>"
  }

  /// Charts, two beside each other.
  package static func plots(_ plots: [Plot]) -> String {
    "<div class=\"plots\">\n\(plots.map(\.figure).joined(separator: "\n"))\n</div>"
  }

  /// A table; rows are HTML.
  package static func table(head: [String], rows: [String]) -> String {
    let titles = head.map { "<th scope=\"col\">\(escaped($0))</th>" }.joined()
    return """
      <div class="scroll"><table><thead><tr>\(titles)</tr></thead><tbody>
      \(rows.joined(separator: "\n"))
      </tbody></table></div>
      """
  }
}

/// A coordinate.
package func svg(_ value: Double) -> String { fixed(value, 1).replacing("−", with: "-") }

/// Text that is only text in HTML.
package func escaped(_ text: String) -> String {
  var result = ""
  for character in text.unicodeScalars {
    switch character {
    case "&": result += "&amp;"
    case "<": result += "&lt;"
    case ">": result += "&gt;"
    case "\"": result += "&quot;"
    case "'": result += "&#39;"
    default: result.unicodeScalars.append(character)
    }
  }
  return result
}

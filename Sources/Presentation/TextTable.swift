/// Rows of text in columns for a terminal.
package struct TextTable {
  /// How columns stand.
  package enum Style: Sendable {
    /// Words: every column to the left.
    case words
    /// Figures: the first column to the left, the others to the right, a rule below the header.
    case figures
  }

  private let style: Style
  private var rows: [[String]]

  /// A table with these headings.
  package init(_ style: Style, header: [String]) {
    self.style = style
    rows = [header]
  }

  package mutating func add(_ cells: [String]) { rows.append(cells) }

  /// The lines, columns two spaces apart, without trailing blanks.
  package var text: String {
    let count = rows.map(\.count).max() ?? 0
    let widths = (0..<count).map { column in
      rows.map { $0.indices.contains(column) ? $0[column].count : 0 }.max() ?? 0
    }
    var lines = rows.map { row in
      row.enumerated().map { column, cell in
        let blanks = String(repeating: " ", count: widths[column] - cell.count)
        if style == .figures, column > 0 { return blanks + cell }
        return column == row.count - 1 ? cell : cell + blanks
      }.joined(separator: "  ")
    }
    if style == .figures {
      let width = widths.reduce(2 * (widths.count - 1), +)
      lines.insert(String(repeating: "─", count: width), at: 1)
    }
    return lines.joined(separator: "\n")
  }
}

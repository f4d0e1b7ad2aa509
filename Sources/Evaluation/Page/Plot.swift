/// A small chart as SVG. Colours are classes of `PageStyle`, so that it follows the page's scheme.
struct Plot {
  struct Point {
    let x: Double
    let y: Double
  }

  let title: String
  let xLabel: String
  let yLabel: String
  var xRange = 0.0...1.0
  var yRange = 0.0...1.0
  var xTicks = [0, 0.2, 0.4, 0.6, 0.8, 1]
  var yTicks = [0, 0.2, 0.4, 0.6, 0.8, 1]
  /// How the values on the vertical axis are written.
  var yText: (Double) -> String = { fixed($0, 1) }
  private var marks: [String] = []

  private static let width = 460.0
  private static let height = 330.0
  private static let left = 52.0
  private static let right = 14.0
  private static let top = 12.0
  private static let bottom = 44.0

  init(_ title: String, x: String, y: String) {
    (self.title, xLabel, yLabel) = (title, x, y)
  }

  /// A line through the points, in this class of colour.
  mutating func line(_ points: [Point], _ style: String) {
    guard points.count > 1 else { return }
    let path = points.map { "\(place(x: $0.x)),\(place(y: $0.y))" }.joined(separator: " ")
    marks.append("<polyline class=\"line \(style)\" points=\"\(path)\"/>")
  }

  /// A dot with a text for the mouse.
  mutating func dot(_ point: Point, radius: Double = 4, _ style: String, hint: String) {
    marks.append(
      "<circle class=\"dot \(style)\" cx=\"\(place(x: point.x))\" cy=\"\(place(y: point.y))\" "
        + "r=\"\(fixed(radius, 1))\"><title>\(escaped(hint))</title></circle>")
  }

  /// A filled rectangle between two corners.
  mutating func bar(_ from: Point, _ to: Point, _ style: String, hint: String) {
    let (top, bottom) = (max(from.y, to.y), min(from.y, to.y))
    let size = (
      width: (to.x - from.x) / span(xRange) * Self.innerWidth,
      height: (top - bottom) / span(yRange) * Self.innerHeight
    )
    marks.append(
      "<rect class=\"bar \(style)\" x=\"\(place(x: from.x))\" y=\"\(place(y: top))\" "
        + "width=\"\(fixed(max(0.5, size.width - 1.5), 1))\" height=\"\(fixed(size.height, 1))\">"
        + "<title>\(escaped(hint))</title></rect>")
  }

  /// A word inside the chart.
  mutating func note(_ text: String, at point: Point, anchor: String = "start") {
    marks.append(
      "<text class=\"note\" x=\"\(place(x: point.x))\" y=\"\(place(y: point.y))\" "
        + "text-anchor=\"\(anchor)\">\(escaped(text))</text>")
  }

  /// The chart as a figure with its title.
  var figure: String {
    let size = "\(fixed(Self.width, 0)) \(fixed(Self.height, 0))"
    return """
      <figure><figcaption>\(escaped(title))</figcaption>
      <svg viewBox="0 0 \(size)" role="img" aria-label="\(escaped(title))">
      \((grid + marks + labels).joined(separator: "\n"))
      </svg></figure>
      """
  }

  private static var innerWidth: Double { width - left - right }
  private static var innerHeight: Double { height - top - bottom }

  private var grid: [String] {
    let (end, base) = (fixed(Self.width - Self.right, 1), fixed(Self.height - Self.bottom, 1))
    var lines = yTicks.map { tick in
      "<line class=\"grid\" x1=\"\(fixed(Self.left, 1))\" x2=\"\(end)\" y1=\"\(place(y: tick))\" "
        + "y2=\"\(place(y: tick))\"/><text class=\"tick\" x=\"\(fixed(Self.left - 7, 1))\" "
        + "y=\"\(place(y: tick))\" dy=\"4\" text-anchor=\"end\">\(yText(tick))</text>"
    }
    lines += xTicks.map { tick in
      "<line class=\"grid\" x1=\"\(place(x: tick))\" x2=\"\(place(x: tick))\" "
        + "y1=\"\(fixed(Self.top, 1))\" y2=\"\(base)\"/><text class=\"tick\" "
        + "x=\"\(place(x: tick))\" y=\"\(base)\" dy=\"16\" text-anchor=\"middle\">"
        + "\(fixed(tick, 1))</text>"
    }
    return lines
  }

  private var labels: [String] {
    let middle = fixed(Self.left + Self.innerWidth / 2, 1)
    let side = fixed(Self.top + Self.innerHeight / 2, 1)
    return [
      "<text class=\"axis\" x=\"\(middle)\" y=\"\(fixed(Self.height - 8, 1))\" "
        + "text-anchor=\"middle\">\(escaped(xLabel))</text>",
      "<text class=\"axis\" transform=\"translate(13 \(side)) rotate(-90)\" "
        + "text-anchor=\"middle\">\(escaped(yLabel))</text>",
    ]
  }

  private func span(_ range: ClosedRange<Double>) -> Double { range.upperBound - range.lowerBound }

  private func place(x: Double) -> String {
    svg(Self.left + (x - xRange.lowerBound) / span(xRange) * Self.innerWidth)
  }

  private func place(y: Double) -> String {
    svg(Self.top + (yRange.upperBound - y) / span(yRange) * Self.innerHeight)
  }
}

/// A coordinate.
func svg(_ value: Double) -> String { fixed(value, 1).replacing("−", with: "-") }

/// Text that is only text in HTML.
func escaped(_ text: String) -> String {
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

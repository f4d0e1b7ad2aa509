/// A small chart as SVG. Colours are classes of `PageStyle`, so that it follows the page's scheme.
package struct Plot {
  package struct Point: Sendable {
    package let x: Double
    package let y: Double

    package init(x: Double, y: Double) { (self.x, self.y) = (x, y) }
  }

  let title: String
  let xLabel: String
  let yLabel: String
  package var xRange = 0.0...1.0
  package var yRange = 0.0...1.0
  package var xTicks = [0, 0.2, 0.4, 0.6, 0.8, 1]
  package var yTicks = [0, 0.2, 0.4, 0.6, 0.8, 1]
  /// How the values on the vertical axis are written.
  package var yText: (Double) -> String = { fixed($0, 1) }
  /// The same for the horizontal axis.
  package var xText: (Double) -> String = { fixed($0, 1) }
  private var marks: [String] = []

  private static let width = 460.0
  private static let height = 330.0
  private static let left = 52.0
  private static let right = 14.0
  private static let top = 12.0
  private static let bottom = 44.0

  package init(_ title: String, x: String, y: String) {
    (self.title, xLabel, yLabel) = (title, x, y)
  }

  /// Lets the horizontal axis hold these values, with round ticks.
  package mutating func fitHorizontally(to values: [Double]) {
    let ticks = Self.ticks(holding: values)
    xTicks = ticks.filter { $0 <= values.reduce(0, max) }
    xRange = (values.min() ?? 0)...max(values.max() ?? 0, (values.min() ?? 0) + 1e-9)
  }

  /// Lets the vertical axis hold these values and `base`, with round ticks from end to end.
  package mutating func fitVertically(to values: [Double], from base: Double) {
    yTicks = Self.ticks(holding: values + [base])
    let step = yTicks[1] - yTicks[0]
    yRange = yTicks[0]...(yTicks.last ?? base)
    yText = { fixed($0, step >= 1 ? 0 : step >= 0.1 ? 1 : step >= 0.01 ? 2 : 3) }
  }

  /// Four to eight round numbers around the values.
  private static func ticks(holding values: [Double]) -> [Double] {
    let low = values.min() ?? 0
    let high = max(values.max() ?? 1, low + 1e-9)
    var unit = 1.0
    while unit * 10 <= high - low { unit *= 10 }
    while unit > high - low { unit /= 10 }
    let step = unit * ([0.2, 0.5, 1, 2].first { (high - low) / (unit * $0) <= 6 } ?? 2)
    let (first, last) = ((low / step).rounded(.down), (high / step).rounded(.up))
    return (Int(first)...max(Int(first) + 1, Int(last))).map { Double($0) * step }
  }

  /// A line through the points, in this class of colour; what lies outside is drawn at the edge.
  package mutating func line(_ points: [Point], _ style: String) {
    guard points.count > 1 else { return }
    let path = points.map { "\(place(x: $0.x)),\(place(y: clamped($0.y)))" }.joined(separator: " ")
    marks.append("<polyline class=\"line \(style)\" points=\"\(path)\"/>")
  }

  /// A dot with a text for the mouse.
  package mutating func dot(_ point: Point, radius: Double = 4, _ style: String, hint: String) {
    marks.append(
      "<circle class=\"dot \(style)\" cx=\"\(place(x: point.x))\" cy=\"\(place(y: point.y))\" "
        + "r=\"\(fixed(radius, 1))\"><title>\(escaped(hint))</title></circle>")
  }

  /// A filled rectangle between two corners.
  package mutating func bar(_ from: Point, _ to: Point, _ style: String, hint: String) {
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
  package mutating func note(_ text: String, at point: Point, anchor: String = "start") {
    marks.append(
      "<text class=\"note\" x=\"\(place(x: point.x))\" y=\"\(place(y: point.y))\" "
        + "text-anchor=\"\(anchor)\">\(escaped(text))</text>")
  }

  /// The chart as a figure with its title.
  package var figure: String {
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
        + "\(xText(tick))</text>"
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

  private func clamped(_ y: Double) -> Double {
    min(max(y, yRange.lowerBound), yRange.upperBound)
  }

  private func place(x: Double) -> String {
    svg(Self.left + (x - xRange.lowerBound) / span(xRange) * Self.innerWidth)
  }

  private func place(y: Double) -> String {
    svg(Self.top + (yRange.upperBound - y) / span(yRange) * Self.innerHeight)
  }
}

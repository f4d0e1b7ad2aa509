import Presentation
import Testing

struct PlotTests {
  @Test(arguments: [
    ([0.0, 0.9], "1.0"), ([0.02, 0.031], "0.04"), ([3, 1_200], "1200"), ([0, 0], "0"),
  ]) func theAxisHoldsItsValues(values: [Double], highest: String) {
    var plot = Plot("title", x: "x", y: "y")
    plot.fitVertically(to: values, from: 0)
    #expect((4...9).contains(plot.yTicks.count) || values == [0, 0], "\(plot.yTicks)")
    #expect(plot.yRange.contains(values.max() ?? 0))
    #expect(
      plot.yTicks.last.map { fixed($0, highest.contains(".") ? highest.count - 2 : 0) } == highest)
  }

  @Test func textIsOnlyText() {
    let plot = Plot("<b>&'\"", x: "a<b", y: "y")
    #expect(plot.figure.contains("&lt;b&gt;&amp;&#39;&quot;"))
    #expect(!plot.figure.contains("<b>"))
  }

  @Test func whatLiesOutsideStaysInside() {
    var plot = Plot("title", x: "x", y: "y")
    plot.line([Plot.Point(x: 0, y: -50), Plot.Point(x: 1, y: 50)], "model")
    #expect(plot.figure.contains("points=\"52.0,286.0 446.0,12.0\""), "\(plot.figure)")
  }
}

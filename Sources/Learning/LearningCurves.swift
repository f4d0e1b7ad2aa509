internal import Distillation
internal import Presentation

/// `training.html`: how a training went, in one file that needs nothing else.
struct LearningCurves {
  /// The file's name in the model's folder.
  static let fileName = "training.html"

  /// The model's name.
  let model: String
  let record: TrainingRecord

  /// Points that a line is drawn through at most.
  private static let pointsMax = 600

  /// The whole page.
  var html: String {
    Page(
      title: "Training of \(model)",
      sections: [header, tiles, "<h2>Curves</h2>", curves, "<h2>Recipe</h2>", recipe, data, notes]
    ).html
  }

  private var header: String {
    let start = record.startedFromScratch ? "random weights, shaped as" : "the weights of"
    let facts =
      "\(grouped(record.history.count)) steps from \(start) \(record.base), on "
      + "\(grouped(record.data.training)) examples, \(grouped(record.data.trainingUnsafe)) of them "
      + "unsafe · \(grouped(tokens)) tokens"
    return """
      <h1>Training of <code>\(escaped(model))</code></h1>
      <p class="facts">\(escaped(facts))</p>
      """
  }

  private var tokens: Int { record.history.reduce(0) { $0 + $1.tokens } }

  private var tiles: String {
    let last = record.evaluations.last
    let tail = record.history.suffix(max(1, record.history.count / 20)).map(\.loss)
    let loss = tail.isEmpty ? nil : tail.reduce(0, +) / Double(tail.count)
    func text(_ value: Double?) -> String { value.map { fixed($0) } ?? "–" }
    let heldOut = "\(grouped(record.data.heldOut)) held-out examples"
    return Page.tiles([
      (title: "Training loss", value: text(loss), note: "mean of the last 5 % of the steps"),
      (title: "Loss of the labels", value: text(last?.loss), note: heldOut),
      (title: "F1", value: text(last?.f1), note: heldOut),
      (title: "AUPRC", value: text(last?.auprc), note: heldOut),
    ])
  }

  // MARK: Charts

  private var curves: String {
    Page.plots(
      record.evaluations.isEmpty
        ? [loss, gradientNorm, learningRate] : [loss, quality, gradientNorm, learningRate])
  }

  private var loss: Plot {
    var plot = plot("Loss: training (solid), labels held out (dashed)", y: "nats")
    let raw = points(\.loss)
    let heldOut = record.evaluations.map { Plot.Point(x: Double($0.step), y: $0.loss) }
    let smooth = smoothed(raw)
    // Single steps jump; the axis is for the curves that mean something.
    plot.fitVertically(to: (smooth + heldOut).map(\.y), from: 0)
    plot.line(thinned(raw), "faint")
    plot.line(heldOut, "baseline")
    plot.line(thinned(smooth), "model")
    for point in heldOut {
      plot.dot(point, "baseline", hint: "step \(Int(point.x)): \(fixed(point.y, 4)) held out")
    }
    return plot
  }

  private var quality: Plot {
    var plot = plot("F1 (solid) and AUPRC (dashed), held out", y: "held-out examples")
    let curves: [(values: [(Int, Double?)], name: String, style: String)] = [
      (record.evaluations.map { ($0.step, $0.f1) }, "F1", "model"),
      (record.evaluations.map { ($0.step, $0.auprc) }, "AUPRC", "baseline"),
    ]
    for (values, name, style) in curves {
      let points = values.compactMap { step, value in
        value.map { Plot.Point(x: Double(step), y: $0) }
      }
      plot.line(points, style)
      for point in points {
        plot.dot(point, style, hint: "step \(Int(point.x)): \(name) \(fixed(point.y, 4))")
      }
    }
    return plot
  }

  private var gradientNorm: Plot {
    var plot = plot("Norm of the gradient", y: "before clipping")
    let raw = points(\.gradientNorm)
    let smooth = smoothed(raw)
    plot.fitVertically(to: smooth.map(\.y) + [record.recipe.clipNorm], from: 0)
    plot.line(thinned(raw), "faint")
    plot.line(
      [0, Double(record.history.count)].map { Plot.Point(x: $0, y: record.recipe.clipNorm) },
      "reference")
    plot.line(thinned(smooth), "model")
    plot.note("clipped from here", at: Plot.Point(x: 0, y: record.recipe.clipNorm))
    return plot
  }

  private var learningRate: Plot {
    var plot = plot("Learning rate", y: "\(scientific(record.recipe.learningRate)) at most")
    let points = points(\.learningRate)
    plot.fitVertically(to: points.map(\.y), from: 0)
    plot.yText = { $0 == 0 ? "0" : scientific($0) }
    plot.line(thinned(points), "model")
    return plot
  }

  private func plot(_ title: String, y: String) -> Plot {
    var plot = Plot(title, x: "step", y: y)
    plot.fitHorizontally(to: [0, Double(max(1, record.history.count))])
    plot.xTicks.removeAll { $0 != $0.rounded() }
    plot.xText = { grouped(Int($0)) }
    return plot
  }

  private func points(_ value: (TrainingPoint) -> Double) -> [Plot.Point] {
    record.history.compactMap { point in
      let value = value(point)
      return value.isFinite ? Plot.Point(x: Double(point.step), y: value) : nil
    }
  }

  /// Running means over a fiftieth of the steps, without the delay of a decaying average.
  private func smoothed(_ points: [Plot.Point]) -> [Plot.Point] {
    let reach = points.count / 100
    guard reach > 0 else { return points }
    var sums = [0.0]
    for point in points { sums.append((sums.last ?? 0) + point.y) }
    return points.indices.map { index in
      let range = max(0, index - reach)..<min(points.count, index + reach + 1)
      let mean = (sums[range.upperBound] - sums[range.lowerBound]) / Double(range.count)
      return Plot.Point(x: points[index].x, y: mean)
    }
  }

  private func thinned(_ points: [Plot.Point]) -> [Plot.Point] {
    let stride = max(1, points.count / Self.pointsMax)
    return points.enumerated().filter { index, _ in
      index % stride == 0 || index == points.count - 1
    }.map(\.element)
  }

  // MARK: Words

  private var recipe: String {
    let recipe = record.recipe
    var rows: [(String, String)] = [
      ("Steps", grouped(record.history.count)),
      ("Sequences per step", grouped(recipe.batchSize)),
      ("Tokens of a sequence at most", grouped(recipe.sequenceTokensMax)),
      (
        "Highest learning rate",
        "\(scientific(recipe.learningRate)) after \(recipe.warmUpSteps) steps"
      ),
      ("Weight decay", "\(recipe.weightDecay)"),
      ("Gradient norm at most", "\(recipe.clipNorm)"),
      ("Weight of labels beside the teacher", "\(recipe.lambda)"),
      (
        "Teacher's temperature",
        recipe.teacherTemperature == 0 ? "hard labels" : "\(recipe.teacherTemperature)"
      ),
      ("Classes", recipe.balancesClasses ? "drawn equally often" : "each example once an epoch"),
      (
        "Dropout: states, attention, classifier",
        "\(recipe.hiddenDropout), \(recipe.attentionDropout), \(recipe.classifierDropout)"
      ),
    ]
    if let energy = recipe.energy {
      rows.append(
        ("Penalty on sureness of safe texts", "\(energy.weight) beyond \(energy.margin)"))
    }
    if !record.teachers.isEmpty {
      rows.append(("Teachers", record.teachers.joined(separator: ", ")))
    }
    if let lowRank = recipe.lowRank {
      let layers = lowRank.layers.map { "top \($0) layers" } ?? "all layers"
      rows.append(("LoRA", "rank \(lowRank.rank), alpha \(lowRank.alpha), \(layers)"))
    }
    rows.append(("Seed", "\(recipe.seed)"))
    return table(["Setting", "Value"], rows)
  }

  private var data: String {
    let rows = record.data.sources.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
      .map { ($0.key.isEmpty ? "without a name" : $0.key, grouped($0.value)) }
    return "<h2>Data</h2>" + table(["Source", "Examples"], rows)
      + "<p class=\"facts\">SHA-256 <code>\(record.data.digest)</code></p>"
  }

  private func table(_ head: [String], _ rows: [(String, String)]) -> String {
    Page.table(
      head: head,
      rows: rows.map { name, value in
        "<tr><th scope=\"row\">\(escaped(name))</th><td>\(escaped(value))</td></tr>"
      })
  }

  private var notes: String {
    """
    <h2>How to read this</h2>
    <dl>
    <dt>Solid line</dt><dd>The value of the steps, averaged over a fiftieth of them; F1 where \
    held-out examples are judged.</dd>
    <dt>Faint line</dt><dd>The value of single steps.</dd>
    <dt>Dashed line</dt><dd>Held-out examples that are never trained on, judged without dropout: \
    the loss of their labels; AUPRC where they are judged. Along the way a part of them, at the \
    end all. It lies above the training loss where the model learns by heart.</dd>
    </dl>
    """
  }
}

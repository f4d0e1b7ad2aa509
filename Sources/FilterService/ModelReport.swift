internal import Guard
internal import Records
internal import Telemetry

extension MetricsPage {
  /// Which model judges, and what became of others.
  ///
  /// - Parameter model: name and hash as verdicts show them.
  mutating func addModel(_ model: String, _ figures: LiveModel.Figures) {
    let hash = model.split(separator: "@").last.map(String.init) ?? ""
    gauge(
      "sluice_model_info", "The model that judges.", [([("model", model), ("hash", hash)], 1)])
    counter("sluice_model_swaps_total", "Models that took over from another.", figures.swaps)
    counter(
      "sluice_model_refusals_total", "Models that failed to load or their self-test.",
      figures.refusals)
    gauge(
      "sluice_model_load_seconds", "What loading, warming and testing the last model took.",
      figures.lastLoadSeconds)
  }

  /// How sequences were answered.
  mutating func addCache(_ figures: ReadingCache.Figures) {
    counter(
      "sluice_sequences_total",
      "Sequences of tokens by what answered: the model, an equal one of the batch, the cache.",
      [
        ([("answer", "model")], Double(figures.computed)),
        ([("answer", "batch")], Double(figures.repeated)),
        ([("answer", "cache")], Double(figures.remembered)),
      ])
  }

  /// Verdicts by the categories that reached their thresholds.
  ///
  /// - Parameter scheme: of the model that judges, whose categories all stand there.
  mutating func addCategories(_ counts: [String: Int], of scheme: CategoryScheme?) {
    let names = Set(counts.keys).union(scheme?.unsafeNames ?? []).sorted()
    guard !names.isEmpty else { return }
    let shown = names.prefix(Self.categoriesMax)
    let others = names.dropFirst(shown.count).reduce(0) { $0 + (counts[$1] ?? 0) }
    counter(
      "sluice_category_flags_total", "Verdicts in which a category reached its threshold.",
      shown.map { ([("category", $0)], Double(counts[$0] ?? 0)) }
        + (names.count > shown.count ? [([("category", "all other")], Double(others))] : []))
  }

  /// Categories with a series of their own.
  private static let categoriesMax = 100

  /// How far a challenger disagrees.
  mutating func addShadow(_ figures: ShadowFigures) {
    let label = [("challenger", figures.challenger ?? "none")]
    counter(
      "sluice_shadow_flags_total", "Records by which of the two models flags them.",
      [
        (label + [("flagged_by", "both")], Double(figures.bothFlagged)),
        (label + [("flagged_by", "champion")], Double(figures.onlyChampionFlagged)),
        (label + [("flagged_by", "challenger")], Double(figures.onlyChallengerFlagged)),
        (label + [("flagged_by", "neither")], Double(figures.neitherFlagged)),
      ])
    histogram(
      "sluice_shadow_difference", "Absolute difference of the two scores.",
      [([], figures.differences.buckets)], bounds: ScoreHistogram.bounds)
    gauge(
      "sluice_shadow_difference_mean", "Their mean.",
      figures.scored == 0 ? 0 : figures.differences.sum / Double(figures.scored))
    counter("sluice_shadow_dropped_total", "Records that found no room.", figures.dropped)
    counter(
      "sluice_shadow_unpublished_total", "Disagreements of which no copy could be published.",
      figures.unpublished)
    counter(
      "sluice_shadow_failures_total", "Records that the challenger could not judge.",
      figures.failed)
  }
}

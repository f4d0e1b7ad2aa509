package import Metrics

/// A model beside another on the same rows, by paired bootstrap.
package struct ModelComparison: Sendable {
  /// The other model's name and hash.
  package let baseline: String
  /// The other model's measurements, in the order of the sets.
  package let baselineSets: [SetReport]
  /// For each set the differences, model minus baseline.
  package let differences: [[Metric: PairedDifference]]
  /// Of the averages over the sets.
  package let averageDifferences: [Metric: PairedDifference]

  /// - Parameters:
  ///   - baseline: the other model's name.
  ///   - baselineSets: what it makes of the same rows, measured with the same options.
  package init(
    of sets: [SetReport], with baseline: String, _ baselineSets: [SetReport]
  ) throws(EvaluationFailure) {
    guard sets.map(\.name) == baselineSets.map(\.name),
      sets.map(\.classes) == baselineSets.map(\.classes)
    else { throw .unsuitable("the two models were not measured on the same rows") }
    self.baseline = baseline
    self.baselineSets = baselineSets
    differences = zip(sets, baselineSets).map { set, other in
      PairedDifference.all(
        challenger: (set.measurement.values, set.replicates),
        baseline: (other.measurement.values, other.replicates))
    }
    averageDifferences = PairedDifference.all(
      challenger: (
        Measurement(meanOf: sets).values, ReplicateValues(meanOf: sets.map(\.replicates))
      ),
      baseline: (
        Measurement(meanOf: baselineSets).values,
        ReplicateValues(meanOf: baselineSets.map(\.replicates))
      ))
  }
}

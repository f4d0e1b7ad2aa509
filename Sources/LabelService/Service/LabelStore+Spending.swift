internal import Foundation
package import LabelStore
package import LanguageModel
internal import StrictJSON

extension LabelStore {
  /// The name under which the store keeps the teacher's hour.
  private static let spendingNote = "teacher_requests"

  /// Requests to the teacher within the last hour, as they were kept. A store of before they were
  /// kept tells only of labels, each a request at least.
  package func spending(
    limit: Int, wallMilliseconds: Int64
  ) throws(LabelStoreError) -> [HourlyBudget.Spending] {
    if let kept = try kept(as: Self.spendingNote),
      let spending = try? JSONCoder.decode([HourlyBudget.Spending].self, from: kept)
    {
      return spending
    }
    return try labellingTimes(since: wallMilliseconds - 3_600_000, limit: limit)
      .map { HourlyBudget.Spending(milliseconds: $0, count: 1) }
  }

  /// Keeps the requests to the teacher within the last hour.
  package func keep(_ spending: [HourlyBudget.Spending]) throws(LabelStoreError) {
    guard let data = try? JSONCoder.encode(spending) else { return }
    try keep(Array(data), as: Self.spendingNote)
  }
}

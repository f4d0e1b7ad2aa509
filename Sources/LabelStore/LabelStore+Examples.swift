internal import Basics
package import Datasets
internal import Foundation
internal import GRDB

/// Which labels become training examples.
package struct ExampleQuery: Hashable, Sendable {
  package var split: Split
  package var caps: InfluenceCaps
  /// Whether only the first of each group of near-duplicates counts.
  package var collapsesNearDuplicates: Bool
  /// Only labels of this teacher; nil takes each content's newest label, whoever gave it.
  package var teacher: String?
  /// Labels that end by then are left out; milliseconds since 1970-01-01 UTC.
  package var nowMilliseconds: Int64
  /// Decides which examples of a tenant with too many stay.
  package var seed: UInt64

  package init(
    split: Split, caps: InfluenceCaps = InfluenceCaps(), collapsesNearDuplicates: Bool = true,
    teacher: String? = nil, nowMilliseconds: Int64, seed: UInt64 = 0
  ) {
    self.split = split
    self.caps = caps
    self.collapsesNearDuplicates = collapsesNearDuplicates
    self.teacher = teacher
    self.nowMilliseconds = nowMilliseconds
    self.seed = seed
  }
}

extension LabelStore {
  /// Training or test examples, oldest content first.
  ///
  /// First near-duplicates collapse, then tenants are capped: a flood of variations counts once,
  /// and a flood of different texts counts as its tenant's share. `source` is `labels`, `id` the
  /// content's digest.
  package func examples(_ query: ExampleQuery) throws(LabelStoreError) -> [LabelledExample] {
    let candidates = try read { database in
      try Row.fetchAll(
        database,
        sql: Self.selection + """
           WHERE split = :split AND expires_at > :now AND (:teacher IS NULL OR teacher = :teacher)
          ORDER BY content.number, labelled_at DESC, teacher, template
          """,
        arguments: [
          "split": query.split.rawValue, "now": query.nowMilliseconds, "teacher": query.teacher,
        ]
      ).compactMap(Candidate.init(row:))
    }
    var contents: Set<ContentDigest> = []
    var groups: Set<Int64> = []
    let chosen = candidates.filter { candidate in
      guard contents.insert(candidate.digest).inserted else { return false }
      let isFirst = groups.insert(candidate.nearGroup).inserted
      return isFirst || !query.collapsesNearDuplicates
    }
    return query.caps.apply(
      to: chosen, seed: query.seed, tenant: { $0.example.tenant }, digest: \.digest
    ).map(\.example)
  }
}

/// A row that may become an example.
private struct Candidate {
  let example: LabelledExample
  let digest: ContentDigest
  let nearGroup: Int64

  init?(row: Row) {
    let label = LabelStore.label(row)
    guard let digest = ContentDigest(bytes: label.contentDigest) else { return nil }
    self.digest = digest
    nearGroup = row["near_group"]
    example = LabelledExample(
      id: digest.description, prompt: label.prompt, response: label.response,
      isUnsafe: label.isUnsafe, teacherScore: Double(label.teacherScore.rawValue),
      source: "labels", tenant: label.tenant)
  }
}

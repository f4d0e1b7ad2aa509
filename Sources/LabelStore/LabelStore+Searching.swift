package import Basics
internal import Foundation
internal import GRDB

extension LabelStore {
  /// The contents that an erasure would erase.
  package func contents(of erasure: Erasure) throws(LabelStoreError) -> [ContentDigest] {
    try read { database in
      try Data.fetchAll(
        database, sql: "SELECT digest FROM content WHERE \(erasure.condition)",
        arguments: [erasure.argument]
      ).compactMap { ContentDigest(bytes: Array($0)) }
    }
  }
}

extension Erasure {
  /// The condition on `content` that chooses what is meant, with one argument.
  var condition: String {
    switch self {
    case .content: "digest = ?"
    case .exchange: "number IN (SELECT content FROM occurrence WHERE exchange = ?)"
    case .tenant: "number IN (SELECT content FROM occurrence WHERE tenant = ?)"
    }
  }

  /// The argument of `condition`.
  var argument: Data {
    switch self {
    case .content(let digest): Data(digest.bytes)
    case .exchange(let identifier): Data(identifier.utf8)
    case .tenant(let name): (name as String?).stored
    }
  }
}

internal import Foundation

package enum Processors {
  /// How many this process may use.
  package static var count: Int { max(1, ProcessInfo.processInfo.activeProcessorCount) }
}

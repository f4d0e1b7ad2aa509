internal import Basics
import CKernels
import Synchronization

/// A 64-bit hash of many bytes, computed by all workers at memory speed.
///
/// It tells contents apart: every bit counts. It resists no attacker, as SHA-256 would, at the
/// price of about a second per gigabyte and core.
package struct ContentHash: Sendable, Hashable, CustomStringConvertible {
  /// The hash of what was added so far.
  package private(set) var value: UInt64 = 0

  /// The hash of nothing.
  package init() {}

  /// 16 hexadecimal digits.
  package var description: String { Hexadecimal.text(value) }

  /// Appends `bytes`; where one addition ends and the next begins matters.
  package mutating func add(_ bytes: RawSpan, on pool: WorkerPool) {
    let count = bytes.byteCount
    let seed = value
    let sum = Atomic<UInt64>(0)
    unsafe bytes.withUnsafeBytes { bytes in
      let memory = unsafe ReadOnlyMemory(bytes: bytes)
      let chunk = ContentHash.chunkBytes
      pool.parallelFor((count + chunk - 1) / chunk) { index, _ in
        let part = unsafe UnsafeRawBufferPointer(
          rebasing: memory.bytes[index * chunk..<min(count, (index + 1) * chunk)])
        let hash = unsafe kernel_hash(part.baseAddress, part.count, seed &+ UInt64(index))
        // Chunks finish in any order; their index in the seed makes the sum depend on the order
        // of the contents.
        sum.wrappingAdd(hash, ordering: .relaxed)
      }
    }
    let lengthAndSum = [UInt64(count), sum.load(ordering: .relaxed)]
    value = unsafe kernel_hash(lengthAndSum, 16, seed)
  }

  private static let chunkBytes = 4 << 20

  @unsafe private struct ReadOnlyMemory: @unchecked Sendable {
    // @unchecked Sendable: nobody writes the bytes while their span is borrowed.
    let bytes: UnsafeRawBufferPointer
  }
}

internal import CCuda

/// A place in a device's memory.
package struct DeviceAddress: Hashable, Sendable {
  let value: UInt64

  /// No place: what a kernel takes for an operand that is not there.
  package static let none = DeviceAddress(value: 0)

  /// The place so many bytes further.
  package func advanced(byBytes bytes: Int) -> DeviceAddress {
    DeviceAddress(value: value + UInt64(bytes))
  }
}

/// Memory of a device; freed with the last reference to it.
package final class DeviceMemory: Sendable {
  private let context: CudaContext
  package let address: DeviceAddress
  package let bytes: Int

  /// Takes at least one byte, at a multiple of 256; what it holds is undefined.
  ///
  /// - Throws: `CudaFailure.outOfMemory` where the device has not as much.
  package init(bytes: Int, in context: CudaContext) throws(CudaFailure) {
    var address: ccuda_address = 0
    var isFull = false
    try context.call("cuMemAlloc") { driver in
      let result = unsafe driver.allocate(&address, max(1, bytes))
      isFull = result == Int32(CCUDA_ERROR_OUT_OF_MEMORY)
      return isFull ? 0 : result
    }
    guard !isFull else { throw .outOfMemory(bytes: bytes) }
    self.context = context
    self.address = DeviceAddress(value: address)
    self.bytes = bytes
  }

  deinit { context.release { $0.free(address.value) } }
}

/// Memory of the host that a device copies from and to by itself, while the program goes on.
///
/// Whoever holds it says when it may be touched: not while a copy is under way.
@safe package final class PinnedMemory: @unchecked Sendable {
  // @unchecked Sendable: see above.
  private let context: CudaContext
  let start: UnsafeMutableRawPointer
  package let bytes: Int

  /// Takes at least one byte; what it holds is undefined.
  ///
  /// - Throws: `CudaFailure.outOfPinnedMemory` where the host can pin no more.
  package init(bytes: Int, in context: CudaContext) throws(CudaFailure) {
    var start: UnsafeMutableRawPointer?
    var isFull = false
    try context.call("cuMemHostAlloc") { driver in
      let result = unsafe driver.allocate_host(&start, max(1, bytes), 0)
      isFull = result == Int32(CCUDA_ERROR_OUT_OF_MEMORY)
      return isFull ? 0 : result
    }
    guard !isFull, let start = unsafe start else { throw .outOfPinnedMemory(bytes: bytes) }
    self.context = context
    unsafe self.start = unsafe start
    self.bytes = bytes
  }

  deinit { context.release { unsafe $0.free_host(start) } }

  /// Writes numbers at an offset in bytes, a multiple of their size.
  package func write<Number: BitwiseCopyable>(_ numbers: Span<Number>, at offset: Int) {
    precondition(offset >= 0 && offset + numbers.count * MemoryLayout<Number>.stride <= bytes)
    unsafe numbers.withUnsafeBytes { numbers in
      guard let source = numbers.baseAddress else { return }
      unsafe (start + offset).copyMemory(from: source, byteCount: numbers.count)
    }
  }

  /// Numbers from an offset in bytes, a multiple of their size.
  package func read<Number: BitwiseCopyable>(
    _ type: Number.Type, count: Int, at offset: Int
  ) -> [Number] {
    precondition(offset >= 0 && offset + count * MemoryLayout<Number>.stride <= bytes)
    return (0..<count).map {
      unsafe start.load(fromByteOffset: offset + $0 * MemoryLayout<Number>.stride, as: type)
    }
  }
}

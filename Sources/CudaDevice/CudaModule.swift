internal import CCuda

/// Machine code in a device: the kernels of one cubin.
@safe package final class CudaModule: @unchecked Sendable {
  // @unchecked Sendable: the driver's modules are made for several threads.
  private let context: CudaContext
  private let module: ccuda_module

  /// Loads a cubin of the device's architecture.
  package init(cubin: [UInt8], in context: CudaContext) throws(CudaFailure) {
    var module: ccuda_module?
    try context.call("cuModuleLoadData") { driver in
      unsafe cubin.withUnsafeBytes { unsafe driver.load_module(&module, $0.baseAddress) }
    }
    guard let module = unsafe module else {
      throw .failed(function: "cuModuleLoadData", reason: "no module")
    }
    self.context = context
    unsafe self.module = unsafe module
  }

  deinit { context.release { unsafe $0.unload_module(module) } }

  /// The kernel of a name.
  ///
  /// - Parameter sharedBytes: the most shared memory that a launch will give to a block.
  package func kernel(_ name: String, sharedBytes: Int = 0) throws(CudaFailure) -> CudaKernel {
    var function: ccuda_function?
    try context.call("cuModuleGetFunction") {
      unsafe $0.module_function(&function, module, name)
    }
    guard let function = unsafe function else {
      throw .failed(function: "cuModuleGetFunction", reason: "no function \(name)")
    }
    // More than this has to be asked for.
    if sharedBytes > 48 << 10 {
      try context.call("cuFuncSetAttribute") {
        unsafe $0.set_attribute(
          function, Int32(CCUDA_FUNCTION_SHARED_BYTES), Int32(sharedBytes))
      }
    }
    return unsafe CudaKernel(function: function, module: self)
  }
}

/// A function that runs on the device.
@safe package struct CudaKernel: @unchecked Sendable {
  // @unchecked Sendable: as its module.
  let function: ccuda_function
  /// Keeps the code loaded.
  private let module: CudaModule

  fileprivate init(function: ccuda_function, module: CudaModule) {
    unsafe self.function = unsafe function
    self.module = module
  }
}

/// One argument of a kernel.
package enum KernelArgument: Sendable {
  case address(DeviceAddress)
  case int32(Int)
  case float(Float)
  /// A structure that is passed by value, as C lays it out.
  case structure(KernelStructure)

  /// The argument in words of 64 bits, the first byte in the lowest bits.
  var words: [UInt64] {
    switch self {
    case .address(let address): [address.value]
    case .int32(let number): [UInt64(UInt32(bitPattern: Int32(number)))]
    case .float(let number): [UInt64(number.bitPattern)]
    case .structure(let structure): structure.words
    }
  }
}

/// A structure of addresses, then numbers of 32 bits: no order of members leaves gaps but at the
/// end.
package struct KernelStructure: Sendable {
  let words: [UInt64]

  package init(addresses: [DeviceAddress], integers: [Int], floats: [Float]) {
    let small = integers.map { UInt32(bitPattern: Int32($0)) } + floats.map(\.bitPattern)
    words =
      addresses.map(\.value)
      + stride(from: 0, to: small.count, by: 2).map { first in
        UInt64(small[first]) | (first + 1 < small.count ? UInt64(small[first + 1]) << 32 : 0)
      }
  }
}

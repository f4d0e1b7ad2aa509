internal import COpenSSL

/// SHA-256 (FIPS 180-4) of bytes that come in parts, by OpenSSL.
@safe struct SHA256: ~Copyable {
  private let context: OpaquePointer

  init() {
    guard let context = unsafe EVP_MD_CTX_new(),
      unsafe EVP_DigestInit_ex(context, EVP_sha256(), nil) == 1
    else { preconditionFailure("the system gives no more memory") }
    unsafe self.context = context
  }

  deinit { unsafe EVP_MD_CTX_free(context) }

  func update(_ part: Span<UInt8>) { unsafe update(part.bytes) }

  func update(_ part: RawSpan) {
    let status = unsafe part.withUnsafeBytes {
      unsafe EVP_DigestUpdate(context, $0.baseAddress, $0.count)
    }
    precondition(status == 1, "SHA-256 cannot be computed")
  }

  /// The 32 bytes of all parts; the last call.
  consuming func digest() -> [UInt8] {
    unsafe [UInt8](unsafeUninitializedCapacity: 32) { bytes, count in
      var length: UInt32 = 0
      let status = unsafe EVP_DigestFinal_ex(context, bytes.baseAddress, &length)
      precondition(status == 1 && length == 32, "SHA-256 cannot be computed")
      count = 32
    }
  }
}

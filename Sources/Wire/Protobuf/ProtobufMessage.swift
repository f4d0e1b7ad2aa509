import CMessages
import Records

/// An unpacked message, freed with its owner.
@safe struct ProtobufMessage<Fields>: ~Copyable {
  /// The generated function that unpacks a message of that type.
  typealias Unpack = (
    UnsafeMutablePointer<ProtobufCAllocator>?, Int, UnsafePointer<UInt8>?
  ) -> UnsafeMutablePointer<Fields>?

  private let pointer: UnsafeMutablePointer<Fields>

  /// Unpacks a payload; fails when it is not a message of that type.
  init(_ payload: Span<UInt8>, _ unpack: Unpack) throws(DecodingFailure) {
    let unpacked = unsafe payload.withUnsafeBufferPointer {
      unsafe unpack(nil, $0.count, $0.baseAddress)
    }
    guard let unpacked = unsafe unpacked else {
      throw .malformed("protobuf: not a message of the schema")
    }
    unsafe pointer = unpacked
  }

  deinit {
    // Every generated struct starts with its ProtobufCMessage.
    unsafe protobuf_c_message_free_unpacked(
      UnsafeMutableRawPointer(pointer).assumingMemoryBound(to: ProtobufCMessage.self), nil)
  }

  /// Gives the fields to `body`, which may not keep their pointers.
  func read<Result>(_ body: (Fields) throws(DecodingFailure) -> Result) throws(DecodingFailure)
    -> Result
  {
    try unsafe body(pointer.pointee)
  }
}

/// Reading of the C structs' fields.
enum ProtobufField {
  /// A field's text, nil when it is absent. It may hold NUL characters.
  @safe static func text(
    _ isPresent: protobuf_c_boolean, _ value: ProtobufCBinaryData, at field: String
  ) throws(DecodingFailure) -> String? {
    isPresent == 0 ? nil : try text(value, at: field)
  }

  /// A field's text, empty when it is absent.
  @safe static func text(_ value: ProtobufCBinaryData, at field: String) throws(DecodingFailure)
    -> String
  {
    let bytes = unsafe UnsafeBufferPointer(start: value.data, count: value.len)
    guard let text = unsafe String(validating: bytes, as: UTF8.self) else {
      throw .malformed("\(field): invalid UTF-8")
    }
    return text
  }

  /// A field of a fixed count of bytes, such as a digest.
  @safe static func bytes(
    _ value: ProtobufCBinaryData, count: Int, at field: String
  ) throws(DecodingFailure) -> [UInt8] {
    let bytes = unsafe Array(UnsafeBufferPointer(start: value.data, count: value.len))
    guard bytes.count == count else { throw .malformed("\(field): expected \(count) bytes") }
    return bytes
  }

  /// The pairs of a repeated `MetadataEntry`.
  @safe static func metadata(
    _ entries: UnsafeMutablePointer<UnsafeMutablePointer<Sluice__V1__MetadataEntry>?>?, count: Int
  ) throws(DecodingFailure) -> [MetadataEntry] {
    var result: [MetadataEntry] = []
    for index in 0..<count {
      guard let entry = unsafe entries?[index]?.pointee else { continue }
      result.append(
        MetadataEntry(
          name: try unsafe text(entry.key, at: "metadata[].key"),
          value: try unsafe text(entry.value, at: "metadata[].value")))
    }
    return result
  }

  /// The position that a `SourcePosition` field holds; nil when it is absent.
  @safe static func source(_ source: UnsafeMutablePointer<Sluice__V1__SourcePosition>?)
    throws(DecodingFailure) -> SourcePosition?
  {
    guard let source = unsafe source?.pointee else { return nil }
    return SourcePosition(
      topic: try unsafe text(source.topic, at: "source.topic"), partition: unsafe source.partition,
      offset: unsafe source.offset)
  }
}

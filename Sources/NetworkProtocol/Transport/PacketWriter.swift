internal import Cryptography
internal import NIOCore

/// Writes payloads as packets into one buffer, each byte once, with room for a tag behind each packet that will be
/// sealed.
struct PacketWriter {
    private(set) var buffer: ByteBuffer
    /// Packets in the buffer.
    private(set) var packetCount = 0

    init(reusing buffer: ByteBuffer = ByteBuffer()) { self.buffer = buffer }

    var byteCount: Int { buffer.readableBytes }

    /// The bytes written since the last call.
    mutating func take() -> ByteBuffer {
        let taken = buffer
        buffer = ByteBuffer()
        packetCount = 0
        return taken
    }

    /// Starts another buffer, in the memory of one that is no longer used.
    mutating func reuse(_ buffer: consuming ByteBuffer) { self.buffer = buffer }

    /// - Parameter length: the message's in bincode.
    mutating func append(_ message: Message, length: Int, isSealed: Bool) {
        write([], length: length, isSealed: isSealed) { message.writeBincode(to: &$0) }
    }

    mutating func append(_ payload: [UInt8], _ compression: PacketFlags, isSealed: Bool) {
        write(compression, length: payload.count, isSealed: isSealed) { $0.append(payload) }
    }

    @inline(__always)
    private mutating func write(
        _ flags: PacketFlags,
        length: Int,
        isSealed: Bool,
        _ body: (inout RawSink) -> Void
    ) {
        let tag = isSealed ? RecordCipher.tagLength : 0
        // The length was compared with the limit, which is never above a header's.
        guard
            let header = try? PacketHeader(
                flags: isSealed ? flags.union(.encrypted) : flags,
                payloadLength: length + tag
            )
        else { return }
        let total = PacketHeader.length + length + tag
        packetCount += 1
        // The sink stays within this memory and does not keep it. Only sealing writes to the room for the tag.
        unsafe buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: total) { memory in
            var sink = unsafe RawSink(memory)
            header.write(to: &sink)
            body(&sink)
            if isSealed { sink.fill(tag) }
            return sink.count
        }
    }
}

/// Writes into memory that the caller reserved, as much as fits.
@safe struct RawSink: ByteSink {
    private let memory: UnsafeMutableRawBufferPointer
    private(set) var count = 0

    /// `memory` outlives this value.
    @unsafe init(_ memory: UnsafeMutableRawBufferPointer) { unsafe self.memory = memory }

    /// Checked in every build: no byte is written past the end.
    private mutating func advance(_ length: Int) -> Int {
        let room = unsafe memory.count
        precondition(length <= room - count, "a message is longer than it said")
        defer { count += length }
        return count
    }

    package mutating func append(_ byte: UInt8) {
        let offset = advance(1)
        unsafe memory[offset] = byte
    }

    package mutating func append(_ bytes: [UInt8]) {
        let offset = advance(bytes.count)
        let target = unsafe UnsafeMutableRawBufferPointer(rebasing: memory[offset..<count])
        unsafe bytes.withUnsafeBytes { unsafe target.copyMemory(from: $0) }
    }

    package mutating func append(_ text: String) {
        var text = text
        let offset = advance(text.utf8.count)
        let target = unsafe UnsafeMutableRawBufferPointer(rebasing: memory[offset..<count])
        text.withUTF8 { unsafe target.copyMemory(from: UnsafeRawBufferPointer($0)) }
    }

    package mutating func append(littleEndian value: UInt32) {
        let offset = advance(4)
        unsafe memory.storeBytes(of: value.littleEndian, toByteOffset: offset, as: UInt32.self)
    }

    package mutating func append(littleEndian value: UInt64) {
        let offset = advance(8)
        unsafe memory.storeBytes(of: value.littleEndian, toByteOffset: offset, as: UInt64.self)
    }

    package mutating func append(bigEndian value: UInt32) {
        let offset = advance(4)
        unsafe memory.storeBytes(of: value.bigEndian, toByteOffset: offset, as: UInt32.self)
    }

    /// Zeros.
    mutating func fill(_ length: Int) {
        let offset = advance(length)
        for index in offset..<offset + length { unsafe memory[index] = 0 }
    }
}

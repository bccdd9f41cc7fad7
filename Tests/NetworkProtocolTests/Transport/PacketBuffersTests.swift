internal import NIOCore
internal import Testing

@testable import NetworkProtocol

@Suite("Memory for packets")
struct PacketBuffersTests {
    @Test(arguments: [8_192, 65_566, 65_536, 200_000])
    func `the memory of a written packet is used again`(length: Int) throws {
        let buffers = PacketBuffers()
        let address = {
            var buffer = buffers.take(length)
            #expect(buffer.readableBytes == 0 && buffer.storageCapacity >= length)
            let place = buffer.withUnsafeMutableWritableBytes { Int(bitPattern: $0.baseAddress) }
            buffer.writeRepeatingByte(1, count: length)
            buffers.give(buffer)
            return place
        }
        let first = address()
        for _ in 0..<100 { try #require(address() == first) }
    }

    @Test func `memory that something still refers to is not written over`() {
        let buffers = PacketBuffers()
        var first = buffers.take(10_000)
        first.writeRepeatingByte(1, count: 10_000)
        buffers.give(first)
        var second = buffers.take(10_000)
        second.writeRepeatingByte(2, count: 10_000)
        #expect(first.readableBytesView.allSatisfy { $0 == 1 })
    }

    @Test func `a bounded number of bytes is kept, and none of a very long packet`() {
        let buffers = PacketBuffers()
        for _ in 0..<1_000 { buffers.give(ByteBufferAllocator().buffer(capacity: 65_566)) }
        #expect(buffers.bytes <= 2 << 20 && buffers.bytes > 1 << 20)
        let other = PacketBuffers()
        other.give(ByteBufferAllocator().buffer(capacity: 1 << 20))
        #expect(other.bytes == 0)
    }

    @Test func `a burst of one length does not keep the memory from the next length`() {
        let buffers = PacketBuffers()
        for _ in 0..<100 { buffers.give(ByteBufferAllocator().buffer(capacity: 200_000)) }
        for _ in 0..<100 { buffers.give(ByteBufferAllocator().buffer(capacity: 100)) }
        let first = ByteBufferAllocator().buffer(capacity: 65_566)
        buffers.give(first)
        #expect(buffers.take(65_566) == first && buffers.bytes > 1 << 20)
        #expect(buffers.bytes <= 2 << 20)
    }
}

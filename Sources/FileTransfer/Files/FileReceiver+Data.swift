internal import Cryptography

/// What a stream carries.
enum IncomingTarget {
    case file(UInt32)
    case pack
}

extension FileReceiver {
    /// A stream of the peer. False: what it carries was not asked for.
    package mutating func open(_ stream: UInt16, _ kind: StreamKind, for entry: UInt32) -> Bool {
        guard state == .accepted || state == .finished else { return false }
        switch kind {
        case .file:
            guard entries.indices.contains(Int(entry)) else { return false }
            streams[Int(stream / 2)] = .file(entry)
        case .pack:
            // One for a transfer: its number is not used again.
            guard !pack.isOpen else { return false }
            pack.isOpen = true
            streams[Int(stream / 2)] = .pack
        }
        return true
    }

    /// Bytes of a stream.
    ///
    /// - Returns: the bytes that were missing before, or nil if there is no memory for them now. The packet then must
    ///   not be acknowledged.
    package mutating func receive(_ bytes: RawSpan, on stream: UInt16, at offset: UInt64) -> Int? {
        switch streams[Int(stream / 2)] {
        case .file(let entry): receive(bytes, of: entry, at: offset)
        case .pack: receivePack(bytes, at: offset)
        case nil: nil
        }
    }

    // MARK: Small files

    private mutating func receivePack(_ bytes: RawSpan, at offset: UInt64) -> Int? {
        guard offset <= UInt64(Int64.max) else {
            state = .violated("a pack stream that is too long")
            return 0
        }
        // Each takes more memory than its bytes of the stream, which come again.
        if storing.count >= Self.mostWaiting { return nil }
        let new = pack.receive(bytes, at: offset)
        while true {
            switch pack.next() {
            case .incomplete:
                noteStored()
                return new
            case .tooLong:
                state = .violated("a small file that is not small")
                return new
            case .record(let entry, let digest, let size):
                guard entries.indices.contains(Int(entry)), entries[Int(entry)].isSmall,
                    entries[Int(entry)].size == UInt64(size)
                else {
                    state = .violated("a small file that was not offered")
                    return new
                }
                store(entry, digest, size)
            }
        }
    }

    /// Makes the file of the record that was read last.
    private mutating func store(_ entry: UInt32, _ digest: BLAKE3.Digest, _ size: Int) {
        // Failed meanwhile.
        guard isBegun(entry), storing[entry] == nil else { return }
        guard BLAKE3.hash(pack.content(size)) == digest else {
            return fail(entry, FileFault(.notVerified, "its digest is not the sender's; send the file again"))
        }
        storing[entry] = digest
        sink.store(pack.content(size), as: entries[Int(entry)])
    }

    /// What became of small files that were handed to the sink.
    mutating func noteStored() {
        for file in sink.takeStored() {
            // Failed meanwhile: its sender took it back.
            guard let digest = storing.removeValue(forKey: file.entry), isBegun(file.entry) else { continue }
            if let fault = file.fault {
                fail(file.entry, fault)
            } else {
                receivedBytes += entries[Int(file.entry)].size
                verify(file.entry, digest)
            }
        }
    }

    // MARK: Large files

    private mutating func receive(_ bytes: RawSpan, of entry: UInt32, at offset: UInt64) -> Int? {
        // Failed meanwhile, or complete.
        guard let size = files[entry]?.entry.size else { return 0 }
        let chunk = offset / UInt64(BLAKE3.Piece.length)
        let start = Int(offset % UInt64(BLAKE3.Piece.length))
        let (end, overflow) = offset.addingReportingOverflow(UInt64(bytes.byteCount))
        guard !overflow, end <= size, start + bytes.byteCount <= BLAKE3.Piece.length else {
            state = .violated("bytes behind the end of a file or chunk")
            return 0
        }
        // An empty packet at the end of the last chunk would begin one behind it.
        if bytes.isEmpty || files[entry]?.hasChunk(chunk) ?? true { return 0 }
        guard let index = assembly(of: chunk, in: entry, size: size) else { return nil }
        memory.withMutableBytes(assemblies[index].slot, length: assemblies[index].length) { memory in
            copyBytes(bytes, to: &memory, at: start)
        }
        guard let new = assemblies[index].add(start..<start + bytes.byteCount) else { return nil }
        receivedBytes += UInt64(new)
        if assemblies[index].isComplete { finish(assemblies.remove(at: index)) }
        return new
    }

    private mutating func assembly(of chunk: UInt64, in entry: UInt32, size: UInt64) -> Int? {
        if let known = assemblies.lastIndex(where: { $0.chunk == chunk && $0.entry == entry }) { return known }
        guard let slot = freeSlots.popLast() else { return nil }
        let length = BLAKE3.Piece.length(of: chunk, in: size)
        assemblies.append(ChunkAssembly(entry: entry, chunk: chunk, slot: slot, length: length))
        return assemblies.count - 1
    }

    private mutating func finish(_ assembly: ChunkAssembly) {
        defer { freeSlots.append(assembly.slot) }
        let isAlone = files[assembly.entry]?.chunkCount == 1
        let value = memory.withBytes(assembly.slot, length: assembly.length) {
            BLAKE3.Piece($0, number: assembly.chunk).value(isAlone: isAlone)
        }
        do throws(FileFault) {
            try write(assembly, value)
        } catch {
            fail(assembly.entry, error)
            return
        }
        claims -= files[assembly.entry]?.claimCount ?? 0
        files[assembly.entry]?.add(assembly.chunk, value)
        claims += files[assembly.entry]?.claimCount ?? 0
        complete(assembly.entry)
    }

    private mutating func write(_ assembly: ChunkAssembly, _ value: BLAKE3.ChainingValue) throws(FileFault) {
        var fault: FileFault?
        memory.withBytes(assembly.slot, length: assembly.length) { bytes in
            do throws(FileFault) {
                try sink.write(bytes, value, of: assembly.chunk, in: assembly.entry)
            } catch { fault = error }
        }
        if let fault { throw fault }
    }
}

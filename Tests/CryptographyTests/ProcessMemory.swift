internal import Foundation
internal import Glibc

/// Looks for bytes in all that this process may write to: heaps, stacks, freed memory too.
///
/// The bytes themselves, and what is read, stand in memory that is shared, where it does not look.
final class ProcessMemory {
    private static let pieceLength = 1 << 20
    private static let pageLength = 4096

    private let area: UnsafeMutableRawPointer
    private let count: Int

    /// - Parameter complement: of the bytes to look for, so that the caller's copy is not found.
    init(lookingFor complement: ArraySlice<UInt8>) {
        count = complement.count
        guard
            let area = mmap(nil, 2 * Self.pieceLength, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0),
            area != MAP_FAILED
        else { fatalError("no memory") }
        self.area = area
        for (index, byte) in complement.enumerated() {
            area.storeBytes(of: ~byte, toByteOffset: Self.pieceLength + index, as: UInt8.self)
        }
    }

    deinit { munmap(area, 2 * Self.pieceLength) }

    func occurrences() throws -> Int {
        let maps = try String(contentsOfFile: "/proc/self/maps", encoding: .utf8)
        let file = open("/proc/self/mem", O_RDONLY)
        defer { close(file) }
        return maps.split(separator: "\n").reduce(0) { sum, line in
            let fields = line.split(separator: " ")
            guard fields.count > 1, fields[1] == "rw-p" else { return sum }
            let ends = fields[0].split(separator: "-").compactMap { Int($0, radix: 16) }
            return sum + occurrences(in: ends[0]..<ends[1], file)
        }
    }

    private func occurrences(in addresses: Range<Int>, _ file: Int32) -> Int {
        var found = 0
        var position = addresses.lowerBound
        while position < addresses.upperBound {
            // Pieces overlap by one byte less than what is looked for.
            let length = min(Self.pieceLength, addresses.upperBound - position)
            let read = pread(file, area, length, off_t(position))
            guard read >= count else {
                // This page is gone meanwhile. Others behind it may not be: threads return parts of their heaps.
                position = (position / Self.pageLength + 1) * Self.pageLength
                continue
            }
            found += occurrences(inFirst: read)
            if position + read >= addresses.upperBound { return found }
            position += read - (count - 1)
        }
        return found
    }

    private func occurrences(inFirst length: Int) -> Int {
        let target = UnsafeRawPointer(area) + Self.pieceLength
        let first = Int32(target.load(as: UInt8.self))
        var found = 0
        var start = area
        // As far as one can begin.
        let end = area + length - (count - 1)
        while start < end, let hit = memchr(start, first, end - start) {
            if memcmp(hit, target, count) == 0 { found += 1 }
            start = hit + 1
        }
        return found
    }
}

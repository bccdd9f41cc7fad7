internal import Testing

@testable import FileTransferNode

@Suite("Paths that may come once")
struct TakenPathsTests {
    /// Short paths of few letters, so that many come twice.
    private func paths(_ count: Int, seed: Int) -> [[UInt8]] {
        var state = UInt64(seed) &* 0x9E37_79B9_7F4A_7C15 | 1
        func next(_ bound: UInt64) -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return (state >> 33) % bound
        }
        return (0..<count).map { _ in
            (0...next(3)).map { _ in "abc".prefix(Int(1 + next(3))) }.joined(separator: "/").utf8.map { $0 }
        }
    }

    @Test(arguments: 0..<200)
    func `a path is new exactly once, in any order`(_ seed: Int) {
        let all = paths(60, seed: seed)
        // Sorted ones come in the order that needs no set, the longer the more of them.
        let sorted = seed % 3
        let input =
            switch sorted {
            case 0: all
            case 1: all.sorted { $0.lexicographicallyPrecedes($1) }
            default: all.prefix(40).sorted { $0.lexicographicallyPrecedes($1) } + all.suffix(20)
            }
        var taken = TakenPaths()
        var seen: Set<[UInt8]> = []
        for (index, path) in input.enumerated() {
            if seed % 5 == 4, index == 30 {
                let isTaken = taken.contains(path)
                #expect(isTaken == seen.contains(path))
            }
            let isNew = taken.insert(path)
            #expect(isNew == seen.insert(path).inserted, "\(String(decoding: path, as: UTF8.self))")
        }
        for path in paths(60, seed: seed + 1) {
            let isTaken = taken.contains(path)
            #expect(isTaken == seen.contains(path))
        }
    }

    @Test func `folder by folder, as they are listed`() {
        var taken = TakenPaths()
        for path in ["a", "c", "d/a", "d/c", "d/e/a", "d/e/b", "d/f/a", "x/a"] {
            let isNew = taken.insert(Array(path.utf8))
            #expect(isNew)
        }
        for path in ["a", "d/c", "d/e/b", "x/a"] {
            let isNew = taken.insert(Array(path.utf8))
            #expect(!isNew, "\(path)")
        }
        for path in ["d/d", "b"] {
            let isNew = taken.insert(Array(path.utf8))
            #expect(isNew, "\(path)")
        }
    }
}

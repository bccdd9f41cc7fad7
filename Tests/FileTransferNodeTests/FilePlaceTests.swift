internal import Testing

@testable import FileTransferNode

@Suite("Places of files")
struct FilePlaceTests {
    private func place(_ folder: String, _ name: String) -> FilePlace {
        FilePlace(folder: folder, name: Array(name.utf8))
    }

    @Test func `a path is its folder and its name`() {
        #expect(place("/a", "b/c").path == "/a/b/c")
        #expect(place("/", "b").path == "/b")
        #expect(place("/a", "").path == "/a")
        #expect(place("", "b").path == "b")
    }

    @Test func `what is below a folder has its name and a slash before its own`() {
        for (inner, outer) in [("d/f", "d"), ("d/e/f", "d"), ("d", "")] {
            #expect(place("/a", inner).isIn(place("/a", outer)), "\(inner)")
        }
        for (inner, outer) in [("d", "d"), ("dd/f", "d"), ("e/f", "d"), ("d", "d/f"), ("", "")] {
            #expect(!place("/a", inner).isIn(place("/a", outer)), "\(inner)")
        }
        #expect(!place("/b", "d/f").isIn(place("/a", "d")))
    }
}

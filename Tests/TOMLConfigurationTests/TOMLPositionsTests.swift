internal import Testing

@testable import TOMLConfiguration

@Suite struct TOMLPositionsTests {
    private func line(_ text: String, _ path: String...) -> Int? {
        TOMLPositions(scanning: Array(text.utf8))[path]?.line
    }

    @Test func `keys are found below their headers`() {
        let text = "a = 1\n[b]\nc = 2\n[ d . \"e.f\" ]\n  g = 3\r\n[[h]]\ni = 4\n[[h]]\ni = 5\n"
        #expect(line(text, "a") == 1)
        #expect(line(text, "b") == 2)
        #expect(line(text, "b", "c") == 3)
        #expect(line(text, "d", "e.f", "g") == 5)
        #expect(line(text, "h", "i") == 7)
        #expect(line(text, "c") == nil)
    }

    @Test func `dotted and quoted keys are found`() {
        #expect(line("\na.\"b c\" . 'd' = 1\n", "a", "b c", "d") == 2)
        #expect(line("\"\\u0061\\\"\" = 1", "a\"") == 1)
        #expect(line("'a\\' = 1", "a\\") == 1)
    }

    @Test func `what stands in strings, comments, arrays and inline tables is no key of the section`() {
        let text = #"""
            a = """
            x = 1
            \""" y = 2 """ # z = 3
            b = '''
            [c]
            x = 4''''
            d = [ # ] e = 5
              "f = 6", 'g]', { h = 7, i = [ 8 ] },
            ]
            j = 9
            """#
        let positions = TOMLPositions(scanning: Array(text.utf8))
        #expect(positions[["j"]]?.line == 10)
        #expect(positions[["d", "h"]]?.line == 8)
        for name in ["x", "y", "z", "c", "e", "f", "g", "h", "i"] { #expect(positions[[name]] == nil, "\(name)") }
    }

    @Test func `columns count from one`() {
        #expect(TOMLPositions(scanning: Array("  a = 1".utf8))[["a"]] == .init(line: 1, column: 3))
    }

    @Test func `deep nesting ends`() {
        _ = TOMLPositions(scanning: Array(("a = " + String(repeating: "[", count: 100_000)).utf8))
        _ = TOMLPositions(scanning: Array(("a = " + String(repeating: "{a=", count: 100_000)).utf8))
    }
}

import COpenSSL

/// SHA-256 (FIPS 180-4) over bytes that come piece by piece.
package final class SHA256 {
    private let context = EVP_MD_CTX_new()

    /// The version of the libcrypto that is loaded, "3.0.19".
    package static var libraryVersion: String {
        // OpenSSL 3.0.19 27 Jan 2026
        let words = String(cString: OpenSSL_version(OPENSSL_VERSION)).split(separator: " ")
        return words.count > 1 ? String(words[1]) : words.joined()
    }

    package init() {
        precondition(EVP_DigestInit_ex(context, EVP_sha256(), nil) == 1, "libcrypto has SHA-256")
    }

    deinit { EVP_MD_CTX_free(context) }

    /// Adds the elements' bytes in memory order.
    package func add<Element: BitwiseCopyable>(_ elements: [Element]) {
        _ = EVP_DigestUpdate(context, elements, elements.count * MemoryLayout<Element>.stride)
    }

    /// The sum over `bytes`: 64 hexadecimal digits.
    package static func digits(of bytes: some Sequence<UInt8>) -> String {
        let sum = SHA256()
        sum.add(Array(bytes))
        return sum.digits()
    }

    /// Adds bytes.
    package func add(_ bytes: UnsafeRawBufferPointer) { _ = EVP_DigestUpdate(context, bytes.baseAddress, bytes.count) }

    /// The sum over what was added so far: 64 hexadecimal digits.
    package func digits() -> String {
        let context = EVP_MD_CTX_new()
        defer { EVP_MD_CTX_free(context) }
        precondition(EVP_MD_CTX_copy_ex(context, self.context) == 1, "libcrypto copies a sum")
        var digest = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
        var length: UInt32 = 0
        _ = EVP_DigestFinal_ex(context, &digest, &length)
        return digest.prefix(Int(length)).map { byte in
            let digits = String(byte, radix: 16)
            return byte < 16 ? "0" + digits : digits
        }.joined()
    }
}

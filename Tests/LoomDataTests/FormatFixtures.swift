import Foundation

/// Small files as numpy 2.4.6, h5py 3.16.0 and scikit-learn 1.9.1 save
/// them: Tests/formats/record.py writes this file.
enum FormatFixtures {
    private static func bytes(_ base64: String) -> Data {
        Data(base64Encoded: base64, options: .ignoreUnknownCharacters) ?? Data()
    }

    // gzip of Python: the CSV text in two members
    static let twoMembers = bytes(
        """
        H4sICAAAAAAC/3BhcnQuY3N2AEvUSdKp5DLUM9XRNdIxAAD7dgzSDgAAAB+LCAAAAAAAAgPjMtYx0DMy1THkMtAxB5IAzqRc2RAA
        AAA=
        """)

    // numpy.savez
    static let npz = bytes(
        """
        UEsDBC0AAAAAAAAAIQCSIoqp//////////8FABQAeC5ucHkBABAAmAAAAAAAAACYAAAAAAAAAJNOVU1QWQEAdgB7J2Rlc2NyJzog
        JzxmNCcsICdmb3J0cmFuX29yZGVyJzogRmFsc2UsICdzaGFwZSc6ICgzLCAyKSwgfSAgICAgICAgICAgICAgICAgICAgICAgICAg
        ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAKAADAPwAAAMAAAEBAAACAPgAAAAAAAOBAUEsDBC0AAAAAAAAAIQAUR51k
        //////////8FABQAeS5ucHkBABAAmAAAAAAAAACYAAAAAAAAAJNOVU1QWQEAdgB7J2Rlc2NyJzogJzxpOCcsICdmb3J0cmFuX29y
        ZGVyJzogRmFsc2UsICdzaGFwZSc6ICgzLCksIH0gICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAg
        ICAgICAgICAgICAgICAKAAAAAAAAAAABAAAAAAAAAAEAAAAAAAAAUEsDBC0AAAAAAAAAIQCXYjAT//////////8KABQAaW1hZ2Vz
        Lm5weQEAEACMAAAAAAAAAIwAAAAAAAAAk05VTVBZAQB2AHsnZGVzY3InOiAnfHUxJywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwg
        J3NoYXBlJzogKDMsIDIsIDIpLCB9ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAg
        IAoAFy5FXHOKobjP5v1QSwECLQMtAAAAAAAAACEAkiKKqZgAAACYAAAABQAAAAAAAAAAAAAAgAEAAAAAeC5ucHlQSwECLQMtAAAA
        AAAAACEAFEedZJgAAACYAAAABQAAAAAAAAAAAAAAgAHPAAAAeS5ucHlQSwECLQMtAAAAAAAAACEAl2IwE4wAAACMAAAACgAAAAAA
        AAAAAAAAgAGeAQAAaW1hZ2VzLm5weVBLBQYAAAAAAwADAJ4AAABmAgAAAAA=
        """)

    // numpy.savez_compressed
    static let npzDeflated = bytes(
        """
        UEsDBC0AAAAIAAAAIQCSIoqp//////////8FABQAeC5ucHkBABAAmAAAAAAAAABaAAAAAAAAAJvsF+obEMnIUMZQrZ6SWpxcpG6l
        oG6TZqKuo6Cell9UUpSYF59flJIKEndLzClOBYoXZyQWpAL5GsY6CkaaOgq1CmQDLgaGA/YMQIKBwcGBgaHBjgEMHjgAAFBLAwQt
        AAAACAAAACEAFEedZP//////////BQAUAHkubnB5AQAQAJgAAAAAAAAASQAAAAAAAACb7BfqGxDJyFDGUK2eklqcXKRupaBuk2mh
        rqOgnpZfVFKUmBefX5SSChJ3S8wpTgWKF2ckFqQC+RrGOpo6CrUKFAAuBihgRKMBUEsDBC0AAAAIAAAAIQCXYjAT//////////8K
        ABQAaW1hZ2VzLm5weQEAEACMAAAAAAAAAFQAAAAAAAAAm+wX6hsQychQxlCtnpJanFykbqWgXlNqqK6joJ6WX1RSlJgXn1+UkgoS
        d0vMKU4FihdnJBakAvkaxjoKRkCkqaNQq0Ae4GIQ13ONKe5auOP8s78AUEsBAi0DLQAAAAgAAAAhAJIiiqlaAAAAmAAAAAUAAAAA
        AAAAAAAAAIABAAAAAHgubnB5UEsBAi0DLQAAAAgAAAAhABRHnWRJAAAAmAAAAAUAAAAAAAAAAAAAAIABkQAAAHkubnB5UEsBAi0D
        LQAAAAgAAAAhAJdiMBNUAAAAjAAAAAoAAAAAAAAAAAAAAIABEQEAAGltYWdlcy5ucHlQSwUGAAAAAAMAAwCeAAAAoQEAAAAA
        """)

    // the header of MNIST's images, and 3 × 2 × 2 bytes
    static let idxImages = bytes(
        """
        AAAIAwAAAAMAAAACAAAAAgAXLkVcc4qhuM/m/Q==
        """)

    // the header of MNIST's labels, and 3 bytes
    static let idxLabels = bytes(
        """
        AAAIAQAAAAMAAQE=
        """)

    // sklearn.datasets.dump_svmlight_file
    static let svmlight = bytes(
        """
        IyBHZW5lcmF0ZWQgYnkgZHVtcF9zdm1saWdodF9maWxlIGZyb20gc2Npa2l0LWxlYXJuIDEuOS4xCiMgQ29sdW1uIGluZGljZXMg
        YXJlIG9uZS1iYXNlZAojCiMgdGhyZWUgc2FtcGxlcwowIDE6MS41IDI6LTIKMSAxOjMgMjowLjI1CjEgMjo3Cg==
        """)

    // h5py; compressed with gzip, which HDF5 itself is not
    static let hdf5Gzipped = bytes(
        """
        H4sIAAAAAAACA+2Yv2/TQBTH39lxekqgcWBIi4Bk7ARLh0zEqA1kQLQCBgZADa1DqrahalIRpmZChalsjGVj4A9gZEJsdOzIhPgL
        UBcUfL53ie9CkvJDJbTvM+Tl2e+e7efn8/f8vDR77XTiXAIEnEMMXIjSRg4u677av4CWod1G+8ZS21m4bwK3pzG/GXfnVrEootsG
        6jifHWk5ECeRUvHqvLB30c+h/WjpcY2N8nItsMtr5Ud+PfD9ZiPan/lfPG6//i3Z0q86h+vfPD5WLt1K6t9I/247elwT7VO06+XF
        FX/p9/v39s25WQZ2p+/2LwyOV33+9eLgODUP52x9/jefi+MCA0deI1P+lLSW3ICXDWo66vUnwqHpXDZ4x8oOyHDIbOF+J6io2G9Z
        MiHHO2GzPNfvjNkp/4r3BfED4HkArSv4lvbA0APKNh8sLnit7Plv4xD7wFqha2XG922IFdhe6DpidmThX5iMj8XF2PuQuVS8V3/x
        +t2nL9+FSDnI6nkJgiAIgjg6lK5UqmTnzOH04tTY4DilU1vpk1HHXl0pK8qYriu71g1DXa5q6g3Rj/N99OPOiNYj/pd0dqFTn+kk
        TLdtQ2fbMmEyWFGxML/Kw8MVf726Wams+p2+Zbh9ya+slhs+avhInS1792z3VFi35fN/VA/xXYEFRzO/K6SGjKvi0VM99dV5gnFJ
        o44mz4x8Vp98L40PdGYcfb8jCIIgCII4qnWF1KHM/rmO7qenLXPd0UnJh6w7dlHqnTLObH1E6sE1XarWDZPBussdeJ1gXOdbrq9c
        Fa9Guj+uz8zdYJHTVnVIoK09ztU21x76G3V93F6Kni2CIAiCIAiCIAiC+F/4AeuCpNH4LwAA
        """)
}

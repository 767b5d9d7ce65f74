//! Real signatures, by GnuPG and by OpenSSL, over a text that is easily damaged. They are good in the
//! original; they must be good in what arrives.

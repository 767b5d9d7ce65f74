# tls-optout for Sieve, as Dovecot runs it (Pigeonhole with the plugin sieve_extprograms). In the user's script:
#
#     require ["vnd.dovecot.pipe", "copy"];
#     pipe :copy :try "tls-optout";
#
# The server's administrator allows the program:
#
#     plugin {
#       sieve_plugins = sieve_extprograms
#       sieve_extensions = +vnd.dovecot.pipe
#       sieve_pipe_bin_dir = /usr/local/lib/dovecot/sieve-pipe
#     }
#
# and puts `tls-optout` of this folder into that folder. `:copy` has Sieve go on with the message, `:try` has it go on
# when the program fails.

require ["vnd.dovecot.pipe", "copy"];

pipe :copy :try "tls-optout";

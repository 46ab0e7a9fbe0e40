%% Runs main:main() of a package in Gleam. Ends with 0 when that returns, with 1 after an error.
-module(codecell_gleam).
-export([start/0]).

start() ->
    ok = io:setopts(standard_io, [binary, {encoding, utf8}]),
    try main:main() of
        _ -> end_with(0)
    catch
        Class:Reason:Trace ->
            io:put_chars(standard_error, ["runtime error: ", told(Class, Reason), [at(Call) || Call <- Trace]]),
            end_with(1)
    end.

%% What Gleam itself raises says where.
told(_, #{gleam_error := Kind, message := Message, module := Module, function := Function, line := Line}) ->
    io_lib:format("~ts: ~ts~n  in ~ts.~ts, line ~w~n", [Kind, Message, Module, Function, Line]);
told(Class, Reason) ->
    io_lib:format("~w: ~tp~n", [Class, Reason]).

at({Module, _, _, _}) when Module =:= codecell_gleam; Module =:= init ->
    "";
at({Module, Function, Arity, _}) when is_integer(Arity) ->
    io_lib:format("  at ~ts.~ts/~w~n", [Module, Function, Arity]);
at({Module, Function, Arguments, Place}) ->
    at({Module, Function, length(Arguments), Place}).

end_with(Code) ->
    erlang:halt(Code, [{flush, true}]).

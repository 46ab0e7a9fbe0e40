%% Runs main.erl: compiles it in memory, with the other modules that lie beside it, and calls its main/1 with the
%% arguments (else main/0, else start/0). Ends with 0 when that returns, with 1 after an error; like escript's programs,
%% main.erl need not name a module.
-module(codecell_erlang).
-export([start/0]).

-define(ENTRIES, [{main, 1}, {main, 0}, {start, 0}]).

start() ->
    [Main | Arguments] = init:get_plain_arguments(),
    %% A cell that waits for its program has the compiler loaded when it comes.
    filelib:is_regular(Main) orelse warm(),
    Others = [File || File <- lists:sort(filelib:wildcard("*.erl")), File =/= Main],
    lists:foreach(fun(File) -> load(File, compile(File, whole)) end, Others),
    Module = load(Main, compile(Main, program)),
    end_with(call(Module, entry(Module), Arguments)).

%% Compiling loads most of what compiling and running need; the rest is what programs use most.
warm() ->
    {ok, Tokens, _} = erl_scan:string("f(X) when X > 0 -> try g(#{x => [X]}) catch _:_ -> ok end. g(#{x := [X | _]}) -> <<X>>."),
    {First, Second} = lists:splitwith(fun({dot, _}) -> false; (_) -> true end, Tokens),
    Functions = [form(First ++ [{dot, 1}]), form(tl(Second))],
    Forms = [{attribute, 1, module, codecell_warm}, {attribute, 1, export, [{f, 1}]} | Functions],
    {ok, codecell_warm, _} = compile:forms(Forms, []),
    code:ensure_modules_loaded([
        array, dict, epp, erl_error, erl_posix_msg, gen_server, io_lib, io_lib_format, io_lib_fread, io_lib_pretty,
        maps, math, orddict, ordsets, proplists, queue, rand, re, sets, string, timer, unicode_util
    ]).

form(Tokens) ->
    {ok, Form} = erl_parse:parse_form(Tokens),
    Form.

%% ── compiling ──

%% The module of a file: {Name, Code}. A program's file may leave out -module and the exports of its entry.
compile(File, Kind) ->
    Forms = complete(parse(File), Kind),
    case compile:forms(Forms, [binary, return, {source, filename:absname(File)}]) of
        {ok, Name, Code, Warnings} ->
            report(Warnings, "Warning: "),
            {Name, Code};
        {error, Errors, Warnings} ->
            report(Errors, ""),
            report(Warnings, "Warning: "),
            end_with(1)
    end.

parse(File) ->
    case file:open(File, [read, binary]) of
        {ok, Device} ->
            Start = start_of(Device),
            {ok, Epp} = epp:open([{name, File}, {fd, Device}, {location, {Start, 1}}, {includes, ["."]}]),
            Forms = epp:parse_file(Epp),
            epp:close(Epp),
            [{attribute, 1, file, {File, 1}} | Forms];
        {error, Reason} ->
            fail("~ts: ~ts~n", [File, file:format_error(Reason)])
    end.

%% A first line for the shell (#!) is no Erlang: the line where the program starts.
start_of(Device) ->
    case file:read(Device, 2) of
        {ok, <<"#!">>} ->
            _ = file:read_line(Device),
            2;
        _ ->
            {ok, 0} = file:position(Device, bof),
            1
    end.

complete(Forms, program) ->
    case lists:keyfind(module, 3, Forms) of
        false ->
            Defined = [{Name, Arity} || {function, _, Name, Arity, _} <- Forms],
            Entries = [Entry || Entry <- ?ENTRIES, lists:member(Entry, Defined)],
            [File | Rest] = Forms,
            [File, {attribute, 1, module, main}, {attribute, 1, export, Entries} | Rest];
        _ ->
            Forms
    end;
complete(Forms, whole) ->
    Forms.

report(Messages, Kind) ->
    [say("~ts:~ts ~ts~ts~n", [File, place(Where), Kind, Module:format_error(What)])
     || {File, Infos} <- Messages, {Where, Module, What} <- Infos].

place({Line, Column}) -> io_lib:format("~w:~w:", [Line, Column]);
place(Line) when is_integer(Line) -> io_lib:format("~w:", [Line]);
place(none) -> "".

load(File, {Name, Code}) ->
    case code:load_binary(Name, filename:absname(File), Code) of
        {module, Name} -> Name;
        {error, Reason} -> fail("~ts: module ~ts cannot be loaded: ~p~n", [File, Name, Reason])
    end.

%% ── running ──

entry(Module) ->
    case [Entry || {Name, Arity} = Entry <- ?ENTRIES, erlang:function_exported(Module, Name, Arity)] of
        [Entry | _] -> Entry;
        [] -> fail("main.erl: exports neither main/1 nor main/0 nor start/0~n", [])
    end.

call(Module, {Name, Arity}, Arguments) ->
    try
        apply(Module, Name, [Arguments || Arity =:= 1]),
        0
    catch
        Class:Reason:Stack ->
            Ours = fun(M, _, _) -> M =:= ?MODULE orelse M =:= init end,
            Text = erl_error:format_exception(1, Class, Reason, Stack, Ours, fun pretty/2, unicode),
            say("~ts~n", [Text]),
            1
    end.

pretty(Term, Column) -> io_lib:format("~" ++ integer_to_list(Column) ++ "tp", [Term]).

fail(Format, Values) ->
    say(Format, Values),
    end_with(1).

say(Format, Values) -> io:format(standard_error, Format, Values).

%% What was printed is out before the end: the io server answers when it has taken what came before.
end_with(Code) ->
    _ = io:put_chars(""),
    erlang:halt(Code).

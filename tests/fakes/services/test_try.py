import subprocess, time, os, signal
from tests.fakes.services.live import eventually, free_ports, Gate
def test_it(stack, postgres, memory_folder):
    f=memory_folder/'replica'; 
    b=postgres._bin; print(b)
    subprocess.run([str(b/'pg_basebackup'),'-h','127.0.0.1','-p',str(postgres.port),'-U','eafix','-D',str(f),'-R','-X','stream','--no-sync','-c','fast'],check=True,cwd=memory_folder,**({'user':'nobody','group':'nogroup','extra_groups':[]} if 0 else {}))
    subprocess.run(['chown','-R','nobody:nogroup',str(f)])
    [port]=free_ports(1)
    p=subprocess.Popen([str(b/'postgres'),'-D',str(f),'-c',f'port={port}','-c',f'unix_socket_directories={f}','-c','listen_addresses=127.0.0.1'],user='nobody',group='nogroup',extra_groups=[],cwd=f,stderr=subprocess.DEVNULL)
    import psycopg
    def ok():
        with psycopg.connect(host='127.0.0.1',port=port,dbname=stack.database,user='eafix') as c: return c.execute('select 1').fetchall()
    eventually(ok)
    gates=[stack.gate(s,'postgres') for s in ('gui-gateway','risk-manager','execution-engine')]
    stack.start_order_path()
    assert stack.order('o-1').status_code==201
    eventually(lambda: ok())
    for g in gates: g.shut(); g._target=port; g.open()
    r=stack.order('o-2'); print(r.status_code, r.text)
    r=stack.post('gui-gateway','/emergency/stop-trading'); print(r.status_code,r.text)
    time.sleep(.3)
    print(stack.client.get(stack.url('gui-gateway','/healthz')).text)
    print(stack.client.get(stack.url('execution-engine','/healthz')).text)
    with psycopg.connect(host='127.0.0.1',port=port,dbname=stack.database,user='eafix',autocommit=True) as c:
        t=time.time(); c.execute('select pg_promote(false)')
        while c.execute('select pg_is_in_recovery()').fetchone()[0]: pass
        print('promoted', time.time()-t)
    r=stack.order('o-3'); print(r.status_code, r.text)
    r=stack.order('o-1'); print(r.status_code, r.text)
    time.sleep(.2)
    print(stack.client.get(stack.url('gui-gateway','/healthz')).text)
    p.terminate(); p.wait()
    print(stack.log('execution-engine'))
    assert 0
